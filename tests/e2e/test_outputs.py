"""What people want out of a document: pictures, a searchable PDF, exports, fields."""

import csv
import io
import zipfile

import pdfplumber
import pikepdf
import pytest
from client import CORPUS, Client
from PIL import Image

SECRET = "open sesame"


@pytest.fixture
async def scan(user: Client) -> str:
    document = await user.ended((await user.upload(CORPUS / "scans" / "linn.pdf"))["id"])
    assert document["status"] == "completed"
    return f"/documents/{document['id']}"


async def test_a_scan_becomes_a_searchable_pdf(user: Client, scan: str) -> None:
    answer = await user.http.get(f"{scan}/searchable.pdf")

    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    original = (CORPUS / "scans" / "linn.pdf").read_bytes()
    assert len(answer.content) <= 1.2 * len(original)
    with pdfplumber.open(io.BytesIO(answer.content)) as pdf:
        found = (pdf.pages[0].extract_text() or "").split()
    read = set((await user.text(scan.rpartition("/")[2])).split())
    assert len(read & set(found)) >= 0.9 * len(read)


async def test_pages_can_be_looked_at(user: Client, scan: str) -> None:
    thumbnail = await user.http.get(f"{scan}/thumbnail")
    page = await user.http.get(f"{scan}/pages/1/image", params={"width": 800})
    missing = await user.http.get(f"{scan}/pages/99/image")

    assert max(Image.open(io.BytesIO(thumbnail.content)).size) <= 400
    picture = Image.open(io.BytesIO(page.content))
    assert (picture.format, picture.width) == ("WEBP", 800)
    assert missing.status_code == 404


@pytest.mark.parametrize(
    ("form", "media_type"),
    [
        ("txt", "text/plain"),
        ("md", "text/markdown"),
        ("json", "application/json"),
        ("hocr", "text/vnd.hocr+html"),
        ("csv", "text/csv"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)
async def test_every_export_can_be_had(user: Client, scan: str, form: str, media_type: str) -> None:
    answer = await user.http.get(f"{scan}/export", params={"format": form})

    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.headers["content-disposition"].startswith("attachment")


async def test_tables_come_as_rows(user: Client) -> None:
    path = CORPUS / "digital" / "nics-background-checks-2015-11.pdf"
    document = await user.ended((await user.upload(path))["id"])
    tables = (await user.http.get(f"/documents/{document['id']}/tables")).json()
    export = await user.http.get(f"/documents/{document['id']}/export", params={"format": "csv"})
    sheet = await user.http.get(f"/documents/{document['id']}/export", params={"format": "xlsx"})

    rows = list(csv.reader(io.StringIO(export.text)))
    assert "Alabama" in str(tables)
    assert any("Alabama" in row[0] for row in rows if row)
    assert zipfile.is_zipfile(io.BytesIO(sheet.content))


async def test_a_protected_document_opens_with_its_password(user: Client) -> None:
    plain = pikepdf.open(CORPUS / "digital" / "pdflatex-4-pages.pdf")
    protected = io.BytesIO()
    plain.save(protected, encryption=pikepdf.Encryption(owner=SECRET, user=SECRET))
    files = {"file": ("protected.pdf", protected.getvalue())}

    refused = (await user.http.post("/documents", files=files)).json()
    refused = await user.ended(refused["id"])
    assert refused["error"]["type"] == "urn:quire:problem:document-encrypted"

    wish = {"document_id": refused["id"], "password": SECRET}
    assert (await user.http.post("/ocr/process", json=wish)).status_code == 202
    assert (await user.ended(refused["id"]))["status"] == "completed"

    other = {"file": ("again.pdf", protected.getvalue() + b"\n")}
    answer = await user.http.post("/documents", files=other, data={"password": SECRET})
    assert answer.status_code == 201, answer.text
    assert SECRET not in answer.text
    assert (await user.ended(answer.json()["id"]))["status"] == "completed"
