"""What was read on a page, as the workers have left it in the storage."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from common.storage import Storage
from contracts import Failure, OcrPageCompleted, OcrPageFailed, OcrStarted, PageSource

Deliver = Callable[..., Awaitable[None]]
SignIn = Callable[[UUID], httpx.AsyncClient]
Slug = Callable[[httpx.Response], str]

RESULT = {
    "number": 1,
    "width": 595.5,
    "height": 842.0,
    "source": "ocr",
    "backend": "tesseract",
    "language": "deu",
    "confidence": 0.91,
    "text": "Grüße\naus",
    "words": [
        {"text": "Grüße", "bbox": [10.5, 20.0, 60.0, 32.0], "confidence": 0.9},
        {"text": "aus", "bbox": [10.5, 40.0, 40.0, 52.0], "confidence": 0.92},
    ],
    "rotation": 90,
    "skew": 1.5,
    "tables": [{"bbox": [1.0, 2.0, 3.0, 4.0], "headers": ["a"], "rows": [["b"], []]}],
}


@pytest.fixture
async def path(document: dict[str, Any], deliver: Deliver, storage: Storage) -> str:
    """Let page 1 be read, page 2 fail, the result of 3 be lost, that of 4 be of another kind."""
    job_id = document["job_id"]
    of = {"document_id": document["id"], "job_id": job_id}
    for page, result in ((1, RESULT), (4, {"text": "of another version"})):
        key, data = f"results/{job_id}/{page}.json", json.dumps(result).encode()
        await storage.put(key, data, content_type="application/json")
    failure = Failure(type="urn:x", title="Too slow")
    await deliver(
        OcrStarted(**of, pages=5),
        *(
            OcrPageCompleted(
                **of,
                page=page,
                source=PageSource.OCR,
                chars=9,
                confidence=0.9,
                result_key=f"results/{job_id}/{page}.json",
            )
            for page in (1, 3, 4)
        ),
        OcrPageFailed(**of, page=2, error=failure),
    )
    return f"/documents/{document['id']}"


async def test_a_page_has_its_text_and_the_place_of_every_word(
    client: httpx.AsyncClient, path: str
) -> None:
    assert (await client.get(f"{path}/pages/1")).json() == RESULT


@pytest.mark.parametrize("number", [2, 3, 4, 5, 6])
async def test_of_a_page_that_was_not_read_there_is_nothing(
    client: httpx.AsyncClient, path: str, slug: Slug, number: int
) -> None:
    missing = await client.get(f"{path}/pages/{number}")

    assert (missing.status_code, slug(missing)) == (404, "page-not-found")
    assert missing.json()["detail"] == ("Too slow" if number == 2 else "")


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", str(2**31)])
async def test_what_is_no_number_of_a_page_is_refused(
    client: httpx.AsyncClient, path: str, number: str
) -> None:
    assert (await client.get(f"{path}/pages/{number}")).status_code == 422


async def test_a_stranger_reads_no_page(path: str, sign_in: SignIn, slug: Slug) -> None:
    theirs = await sign_in(uuid4()).get(f"{path}/pages/1")

    assert (theirs.status_code, slug(theirs)) == (404, "document-not-found")


async def test_a_text_whose_pages_are_being_removed_is_gone(
    client: httpx.AsyncClient, path: str, slug: Slug
) -> None:
    gone = await client.get(f"{path}/text")

    assert (gone.status_code, slug(gone)) == (404, "page-not-found")
