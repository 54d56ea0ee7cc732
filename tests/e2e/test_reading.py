"""Real documents go in, their text comes out."""

import re
from pathlib import Path

import pytest
from client import CORPUS, Client
from rapidfuzz.distance import Levenshtein

SCANS = sorted(p for p in (CORPUS / "scans").iterdir() if p.suffix != ".txt")
DIGITAL = sorted((CORPUS / "digital").iterdir())
BROKEN = sorted((CORPUS / "broken").iterdir())
NAMED_PROBLEM = re.compile(r"urn:quire:problem:[a-z]+(-[a-z]+)+")


def character_error_rate(read: str, truth: str) -> float:
    """Edits per character of the truth; runs of white space count as one space."""
    read, truth = " ".join(read.split()), " ".join(truth.split())
    return Levenshtein.distance(read, truth) / len(truth)


async def sources(user: Client, document: dict[str, object]) -> set[str]:
    """Return where the text of each page came from."""
    pages = (await user.http.get(f"/documents/{document['id']}/pages")).raise_for_status().json()
    return {page["source"] for page in pages}


@pytest.mark.parametrize("path", SCANS, ids=lambda path: path.name)
async def test_every_scan_is_read(user: Client, path: Path) -> None:
    document = await user.ended((await user.upload(path))["id"])

    assert (document["status"], document["error"]) == ("completed", None)
    assert document["progress"] == 100
    assert len(await user.text(document["id"])) > 100
    assert await sources(user, document) <= {"ocr", "text_layer", "blank"}


@pytest.mark.parametrize("path", DIGITAL, ids=lambda path: path.name)
async def test_digital_documents_are_never_guessed_at(user: Client, path: Path) -> None:
    document = await user.ended((await user.upload(path))["id"])

    assert document["status"] == "completed"
    assert await sources(user, document) <= {"text_layer", "blank"}


async def test_a_clean_page_is_read_exactly(user: Client) -> None:
    document = await user.ended((await user.upload(CORPUS / "scans" / "phototest.tif"))["id"])

    truth = (CORPUS / "scans" / "phototest.txt").read_text()
    assert (await user.text(document["id"])).strip() == truth.strip()


async def test_a_magazine_page_is_read_well(user: Client) -> None:
    document = await user.ended((await user.upload(CORPUS / "scans" / "8071_093.3B.tif"))["id"])

    truth = (CORPUS / "scans" / "8071_093.3B.txt").read_text()
    assert character_error_rate(await user.text(document["id"]), truth) <= 0.10


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.name)
async def test_broken_files_end_by_name_and_harm_nobody(user: Client, path: Path) -> None:
    response = await user.http.post("/documents", files={"file": (path.name, path.read_bytes())})
    if response.status_code == 415:
        assert response.json()["type"] == "urn:quire:problem:unsupported-type"
    else:
        document = await user.ended(response.raise_for_status().json()["id"])
        assert document["status"] in {"failed", "completed", "partial"}
        if document["status"] == "failed":
            assert NAMED_PROBLEM.fullmatch(document["error"]["type"])
            assert document["error"]["title"]

    after = await user.upload(CORPUS / "scans" / "phototest.tif")
    assert (await user.ended(after["id"]))["status"] == "completed"
