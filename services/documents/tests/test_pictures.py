"""Pages as pictures, which real workers draw on demand, and the PDF that can be searched."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pikepdf
import pytest
import sqlalchemy as sa
from common.database import Sessions, transaction
from common.sealing import fernet
from common.storage import Storage
from common.testing import TokenIssuer
from documents.jobs.models import Job, Status
from documents.settings import ApiSettings
from PIL import Image
from pydantic import SecretStr
from workers import CORPUS, api_client, ocr_worker

Slug = Callable[[httpx.Response], str]
Change = Callable[..., Awaitable[None]]

SEARCHABLE = b"%PDF-1.7\n" + bytes(range(256)) * 40


@pytest.fixture
def drawing_settings(settings: ApiSettings, amqp_url: str) -> ApiSettings:
    """Return the settings of an api process whose workers are this test's alone."""
    return settings.model_copy(update={"amqp_url": SecretStr(amqp_url)})


@pytest.fixture
async def drawing(
    drawing_settings: ApiSettings, issuer: TokenIssuer, user_id: UUID, sessions: Sessions
) -> AsyncIterator[httpx.AsyncClient]:
    assert sessions, "the tables are emptied first"
    async with api_client(drawing_settings, issuer.headers(user_id)) as client:
        yield client


@pytest.fixture
def change(sessions: Sessions) -> Change:
    """Let a document's job be in some state."""

    async def change(document: dict[str, Any], **values: Any) -> None:
        async with transaction(sessions) as session:
            await session.execute(
                sa.update(Job).where(Job.document_id == UUID(document["id"])).values(values)
            )

    return change


async def upload(client: httpx.AsyncClient, path: Path) -> dict[str, Any]:
    answer = await client.post("/documents", files={"file": (path.name, path.read_bytes())})
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


def size_of(answer: httpx.Response) -> tuple[int, int]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/webp"
    with Image.open(BytesIO(answer.content)) as picture:
        assert picture.format == "WEBP"
        return picture.size


async def test_pages_are_drawn_once_and_kept(
    drawing: httpx.AsyncClient, drawing_settings: ApiSettings, storage: Storage, slug: Slug
) -> None:
    document = await upload(drawing, CORPUS / "digital" / "la-precinct-bulletin-2014-p1.pdf")
    url = f"/documents/{document['id']}/pages/1/image"
    thumbnail = f"/documents/{document['id']}/thumbnail"

    nobody = await drawing.get(url)
    async with ocr_worker(drawing_settings):
        first = await drawing.get(url)
        narrow = await drawing.get(url, params={"width": 1_150})
        wide = await drawing.get(url, params={"width": 2_400})
        small = await drawing.get(thumbnail)
        beyond = await drawing.get(f"/documents/{document['id']}/pages/2/image")
    again = await drawing.get(url)
    undrawn = await drawing.get(url, params={"width": 200})

    assert (nobody.status_code, slug(nobody)) == (503, "nobody-to-ask")
    assert size_of(first) == (1_200, 927)
    assert narrow.content == first.content, "widths are rounded up"
    assert size_of(wide)[0] == 2_400
    assert max(size_of(small)) == 400
    assert (beyond.status_code, slug(beyond)) == (404, "no-such-page")
    assert (again.status_code, again.content) == (200, first.content)
    assert (undrawn.status_code, slug(undrawn)) == (503, "nobody-to-ask")
    folder = f"results/{document['job_id']}/"
    kept = {each.key async for batch in storage.objects(folder) for each in batch}
    names = {"pictures/1-1200.webp", "pictures/1-2400.webp", "thumbnail.webp"}
    assert kept == {folder + name for name in names}


async def test_who_has_a_picture_gets_no_other(
    drawing: httpx.AsyncClient, drawing_settings: ApiSettings
) -> None:
    document = await upload(drawing, CORPUS / "scans" / "phototest.tif")
    url = f"/documents/{document['id']}/pages/1/image"
    async with ocr_worker(drawing_settings):
        first = await drawing.get(url)
        other = await drawing.get(url, params={"width": 400})

    assert size_of(first) == (640, 480), "a page that is a picture is not enlarged"
    assert size_of(other)[0] == 400
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["etag"] != other.headers["etag"]
    assert not first.headers["etag"].startswith("W/")
    known = await drawing.get(url, headers={"If-None-Match": first.headers["etag"]})
    changed = await drawing.get(url, headers={"If-None-Match": other.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    assert changed.content == first.content
    head = await drawing.head(url)
    assert (head.status_code, head.headers["etag"]) == (200, first.headers["etag"])
    assert "sandbox" in first.headers["content-security-policy"]


async def test_a_page_that_cannot_be_drawn_is_named(
    drawing: httpx.AsyncClient, drawing_settings: ApiSettings, slug: Slug
) -> None:
    document = await upload(drawing, CORPUS / "broken" / "invalid.pdf")
    async with ocr_worker(drawing_settings):
        answer = await drawing.get(f"/documents/{document['id']}/thumbnail")

    assert (answer.status_code, slug(answer)) == (404, "no-picture")
    assert answer.json()["detail"] == "The document is damaged."


async def test_pages_behind_a_password_are_drawn(
    drawing: httpx.AsyncClient, drawing_settings: ApiSettings, tmp_path: Path, change: Change
) -> None:
    path = tmp_path / "locked.pdf"
    with pikepdf.open(CORPUS / "digital" / "pdflatex-4-pages.pdf") as pdf:
        pdf.save(path, encryption=pikepdf.Encryption(user="Öffne", owner="other"))
    document = await upload(drawing, path)
    url = f"/documents/{document['id']}/pages/4/image"
    async with ocr_worker(drawing_settings):
        locked = await drawing.get(url)
        sealed = fernet(drawing_settings.password_sealing_key).encrypt("Öffne".encode())
        await change(document, sealed_password=sealed.decode())
        opened = await drawing.get(url)

    assert (locked.status_code, "password" in locked.json()["detail"]) == (404, True)
    assert size_of(opened)[0] == 1_200


async def test_pictures_are_the_owners_alone(
    drawing: httpx.AsyncClient,
    drawing_settings: ApiSettings,
    issuer: TokenIssuer,
    slug: Slug,
    change: Change,
) -> None:
    document = await upload(drawing, CORPUS / "digital" / "pdflatex-4-pages.pdf")
    await change(document, pages_total=4)
    stranger = issuer.headers(uuid4())
    async with ocr_worker(drawing_settings):
        for path in ("pages/1/image", "thumbnail", "searchable.pdf"):
            url = f"/documents/{document['id']}/{path}"
            for answer in (
                await drawing.get(url, headers=stranger),
                await drawing.get(f"/documents/{uuid4()}/{path}"),
            ):
                assert (answer.status_code, slug(answer)) == (404, "document-not-found")
    beyond = await drawing.get(f"/documents/{document['id']}/pages/5/image")
    assert (beyond.status_code, slug(beyond)) == (404, "no-such-page"), "known without a worker"


@pytest.mark.parametrize("query", ["width=0", "width=2401", "width=many"])
async def test_widths_have_limits(drawing: httpx.AsyncClient, slug: Slug, query: str) -> None:
    answer = await drawing.get(f"/documents/{uuid4()}/pages/1/image?{query}")
    assert (answer.status_code, slug(answer)) == (422, "invalid-input")


async def test_the_searchable_pdf_is_sent_whole_and_in_parts(
    drawing: httpx.AsyncClient, storage: Storage, change: Change
) -> None:
    document = await upload(drawing, CORPUS / "scans" / "phototest.tif")
    key = f"results/{document['job_id']}/searchable.pdf"
    await storage.put(key, SEARCHABLE, content_type="application/pdf")
    await change(document, status=Status.COMPLETED, outputs=["thumbnail.webp", "searchable.pdf"])
    url = f"/documents/{document['id']}/searchable.pdf"

    whole = await drawing.get(url)
    etag = whole.headers["etag"]
    part = await drawing.get(url, headers={"Range": "bytes=100-199", "If-Range": etag})
    parts = await drawing.get(url, headers={"Range": "bytes=0-1,5-6"})
    outside = await drawing.get(url, headers={"Range": "bytes=1000000-"})
    known = await drawing.get(url, headers={"If-None-Match": etag})
    head = await drawing.head(url)

    assert (whole.status_code, whole.content) == (200, SEARCHABLE)
    assert whole.headers["content-type"] == "application/pdf"
    assert 'attachment; filename="phototest.pdf"' in whole.headers["content-disposition"]
    assert "private" in whole.headers["cache-control"]
    assert (part.status_code, part.content) == (206, SEARCHABLE[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(SEARCHABLE)}"
    assert parts.headers["content-type"].startswith("multipart/byteranges")
    assert (outside.status_code, known.status_code) == (416, 304)
    assert head.headers["content-length"] == str(len(SEARCHABLE))


async def test_a_pdf_in_which_nothing_was_recognised_is_its_own_searchable_pdf(
    drawing: httpx.AsyncClient, change: Change
) -> None:
    path = CORPUS / "digital" / "pdflatex-4-pages.pdf"
    document = await upload(drawing, path)
    await change(document, status=Status.COMPLETED, outputs=["thumbnail.webp"])

    answer = await drawing.get(f"/documents/{document['id']}/searchable.pdf")

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert hashlib.sha256(answer.content).hexdigest() == digest


FAILURE = {"type": "urn:x", "title": "The result is too large", "detail": "300 MB."}


@pytest.mark.parametrize(
    ("state", "status", "name", "detail"),
    [
        ({"status": Status.PROCESSING}, 409, "searchable-pdf-pending", "The job is processing."),
        (
            {"status": Status.COMPLETED, "output_failures": {"searchable.pdf": FAILURE}},
            *(404, "no-searchable-pdf", "The result is too large. 300 MB."),
        ),
        (
            {"status": Status.COMPLETED, "output_failures": {"assembly": FAILURE}},
            *(404, "no-searchable-pdf", "The result is too large. 300 MB."),
        ),
        (
            {"status": Status.FAILED, "error": {"type": "urn:x", "title": "It is damaged"}},
            *(404, "no-searchable-pdf", "It is damaged"),
        ),
        ({"status": Status.CANCELLED}, 404, "no-searchable-pdf", "The job is cancelled."),
        ({"status": Status.COMPLETED}, 404, "no-searchable-pdf", "Nothing was recognised in it."),
    ],
)
async def test_why_there_is_no_searchable_pdf(
    *,
    drawing: httpx.AsyncClient,
    change: Change,
    slug: Slug,
    state: dict[str, Any],
    status: int,
    name: str,
    detail: str,
) -> None:
    document = await upload(drawing, CORPUS / "scans" / "phototest.tif")
    await change(document, **state)

    answer = await drawing.get(f"/documents/{document['id']}/searchable.pdf")

    assert (answer.status_code, slug(answer)) == (status, name)
    assert answer.json()["detail"] == detail
