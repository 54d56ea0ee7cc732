"""Whose turn it is: many workers share one document, and nobody waits for somebody else's pile."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import img2pdf
import pytest
from client import CORPUS, Client, NewUser
from native.stack import Stack

PAGES = 40
SCAN = CORPUS / "scans" / "phototest.tif"


@pytest.fixture(scope="module")
def long_scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a scan of forty pages."""
    path = tmp_path_factory.mktemp("scans") / "forty.pdf"
    path.write_bytes(img2pdf.convert([SCAN.read_bytes()] * PAGES))
    return path


def has_read(pages: int, message: dict[str, Any]) -> bool:
    """Tell whether a message says that so many pages have been read."""
    return message["type"] == "ocr_progress" and int(message["pages_done"]) >= pages


async def job_of(user: Client, document: dict[str, Any]) -> dict[str, Any]:
    response = await user.http.get(f"/ocr/jobs/{document['job_id']}")
    job: dict[str, Any] = response.raise_for_status().json()
    return job


@pytest.mark.timeout(300)
async def test_a_pile_of_one_user_does_not_keep_another_waiting(
    new_user: NewUser, long_scan: Path
) -> None:
    crowd, other = await new_user(), await new_user()
    pile = [await crowd.upload(long_scan, salt=str(number).encode()) for number in range(3)]

    document = await other.upload(SCAN)
    ended = await other.ended(document["id"], within=60)

    assert ended["status"] == "completed"
    left = [await crowd.document(each["id"]) for each in pile]
    assert not any(each["status"] == "completed" for each in left), "the pile had been there first"
    for each in pile:
        await crowd.http.post(f"/ocr/jobs/{each['job_id']}/cancel")


@pytest.mark.timeout(300)
async def test_a_cancelled_job_stops_and_goes_on_when_it_is_tried_again(
    user: Client, long_scan: Path
) -> None:
    async with user.socket() as socket:
        document = await user.upload(long_scan)
        await socket.until(partial(has_read, 2))
        cancelled = await user.http.post(f"/ocr/jobs/{document['job_id']}/cancel")
        assert cancelled.json()["status"] == "cancelled"
        end = await socket.until(lambda message: message["type"] == "ocr_complete")
        assert (end["success"], end["error"]["type"]) == (
            False,
            "urn:quire:problem:reading-cancelled",
        )
        stopped = await job_of(user, document)
        assert 2 <= stopped["pages_done"] < PAGES

        retried = await user.http.post(f"/ocr/jobs/{document['job_id']}/retry")
        assert retried.json()["attempts"] == 2
        end = await socket.until(lambda message: message["type"] == "ocr_complete", within=200)
        assert (end["success"], end["attempt"]) == (True, 2)
    assert (await job_of(user, document))["pages_done"] == PAGES


@pytest.mark.timeout(300)
async def test_a_worker_killed_in_the_middle_costs_its_page_and_no_more(
    stack: Stack, user: Client, long_scan: Path
) -> None:
    truth = SCAN.with_suffix(".txt").read_text().strip()
    async with user.socket() as socket:
        document = await user.upload(long_scan)
        for done in (3, 12, 24):
            await socket.until(partial(has_read, done), within=120)
            await asyncio.to_thread(stack.kill, "ocr-worker")
            await asyncio.to_thread(stack.start, "ocr-worker")
            await asyncio.to_thread(stack.wait_ready, "ocr-worker")
    ended = await user.ended(document["id"], within=200)

    assert (ended["status"], ended["page_count"]) == ("completed", PAGES)
    pages = (await user.http.get(f"/documents/{document['id']}/pages")).json()
    assert [page["number"] for page in pages] == list(range(1, PAGES + 1))
    assert {page["source"] for page in pages} == {"ocr"}
    texts = (await user.text(document["id"])).split("\n\n")
    assert "\n\n".join(texts).count(truth.splitlines()[0]) == PAGES


async def test_a_document_is_read_again_without_its_text_layer(user: Client) -> None:
    path = CORPUS / "digital" / "pdflatex-4-pages.pdf"
    document = await user.ended((await user.upload(path))["id"])
    wish = {"document_id": document["id"], "config": {"force_ocr": True}}

    answer = await user.http.post("/ocr/process", json=wish)

    assert answer.status_code == 202, answer.text
    again = await user.ended(document["id"])
    assert again["job_id"] == answer.json()["id"] != document["job_id"]
    pages = (await user.http.get(f"/documents/{document['id']}/pages")).json()
    assert {page["source"] for page in pages} <= {"ocr", "blank"}
