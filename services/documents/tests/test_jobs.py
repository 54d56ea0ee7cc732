"""What an owner can do with the reading of their documents."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from common.storage import Storage
from contracts import (
    DocumentUploaded,
    Event,
    Failure,
    OcrAssemblyRequested,
    OcrCancelled,
    OcrCompleted,
    OcrPageCompleted,
    OcrPageFailed,
    OcrPagesRequested,
    OcrProgress,
    OcrRejected,
    OcrRequested,
    OcrStarted,
    PageSource,
    cancelled_key,
)

Deliver = Callable[..., Awaitable[None]]
Recorded = Callable[[type[Event]], Awaitable[list[dict[str, Any]]]]

ERROR = Failure(type="urn:quire:problem:page-timed-out", title="Too slow")


class Worker:
    """Makes the events of whoever reads a job of a document."""

    def __init__(self, job: dict[str, Any], attempt: int = 1) -> None:
        self.job_id = UUID(job["id"])
        self._of: dict[str, Any] = {
            "document_id": job["document_id"],
            "job_id": self.job_id,
            "attempt": attempt,
        }

    def started(self, pages: int) -> OcrStarted:
        return OcrStarted(**self._of, pages=pages)

    def read(self, page: int) -> OcrPageCompleted:
        return OcrPageCompleted(
            **self._of,
            page=page,
            source=PageSource.OCR,
            chars=5,
            confidence=0.9,
            result_key=f"results/{self.job_id}/{page}.json",
            ms=1200,
        )

    def failed(self, page: int) -> OcrPageFailed:
        return OcrPageFailed(**self._of, page=page, error=ERROR)

    def rejected(self) -> OcrRejected:
        return OcrRejected(**self._of, error=ERROR)


@pytest.fixture
def job(client: httpx.AsyncClient, document: dict[str, Any]) -> Callable[[], Awaitable[Any]]:
    """Return the document's job as it stands."""

    async def job() -> Any:
        shown = (await client.get(f"/documents/{document['id']}")).json()
        return (await client.get(f"/ocr/jobs/{shown['job_id']}")).json()

    return job


async def test_a_new_document_is_opened_at_once_and_its_job_tells_its_place(
    job: Any, recorded: Recorded
) -> None:
    (uploaded,) = await recorded(DocumentUploaded)
    assert uploaded["read_now"] is True
    shown = await job()
    assert (shown["status"], shown["attempts"], shown["queue_position"]) == ("queued", 1, None)


async def test_the_eleventh_document_waits_for_its_turn(
    client: httpx.AsyncClient, new_file: Callable[[], bytes], recorded: Recorded, document: Any
) -> None:
    assert document
    for _ in range(10):
        answer = await client.post("/documents", files={"file": ("a.pdf", new_file())})
    *first, last = [event["read_now"] for event in await recorded(DocumentUploaded)]
    assert (first, last) == ([True] * 10, False)
    waiting = (await client.get(f"/ocr/jobs/{answer.json()['job_id']}")).json()
    assert waiting["queue_position"] >= 1


async def test_only_what_failed_is_tried_again(
    client: httpx.AsyncClient, job: Any, deliver: Deliver, recorded: Recorded
) -> None:
    first = Worker(await job())
    await deliver(first.started(4), *map(first.read, (1, 4)), *map(first.failed, (2, 3)))
    assert (await job())["status"] == "partial"

    retried = await client.post(f"/ocr/jobs/{first.job_id}/retry")

    assert retried.status_code == 202
    shown = retried.json()
    assert (shown["id"], shown["status"]) == (str(first.job_id), "processing")
    assert (shown["attempts"], shown["pages_done"], shown["pages_failed"]) == (2, 2, 0)
    second = Worker(shown, attempt=2)
    late = first.failed(2).model_copy(update={"page": 3})
    await deliver(late)
    assert (await job())["pages_failed"] == 0, "what an earlier attempt says late is no news"
    await deliver(second.read(2), second.read(3))
    ended = await job()
    assert (ended["status"], ended["pages_done"]) == ("completed", 4)
    assert [event["missing_pages"] for event in await recorded(OcrCompleted)] == [[2, 3], []]
    assert [event["attempt"] for event in await recorded(OcrAssemblyRequested)] == [1, 2]


async def test_a_document_that_could_not_be_opened_is_opened_again(
    client: httpx.AsyncClient, job: Any, deliver: Deliver, recorded: Recorded
) -> None:
    worker = Worker(await job())
    await deliver(worker.rejected())
    await client.post(f"/ocr/jobs/{worker.job_id}/retry")

    (requested,) = await recorded(OcrRequested)
    assert (requested["job_id"], requested["attempt"]) == (str(worker.job_id), 2)
    assert (await job())["status"] == "queued"
    await deliver(worker.rejected())
    assert (await job())["status"] == "queued", "that was the first attempt's, told late"


async def test_there_is_nothing_to_retry_of_what_was_read_or_is_being_read(
    client: httpx.AsyncClient, job: Any, deliver: Deliver, slug: Any
) -> None:
    worker = Worker(await job())
    running = await client.post(f"/ocr/jobs/{worker.job_id}/retry")
    await deliver(worker.started(1), worker.read(1))
    done = await client.post(f"/ocr/jobs/{worker.job_id}/retry")
    assert [(each.status_code, slug(each)) for each in (running, done)] == [
        (409, "nothing-to-retry")
    ] * 2


async def test_a_job_is_cancelled_once_and_the_workers_are_told(
    client: httpx.AsyncClient,
    job: Any,
    deliver: Deliver,
    recorded: Recorded,
    storage: Storage,
) -> None:
    worker = Worker(await job())
    await deliver(worker.started(3), worker.read(1))

    cancelled = await client.post(f"/ocr/jobs/{worker.job_id}/cancel")
    again = await client.post(f"/ocr/jobs/{worker.job_id}/cancel")
    await deliver(worker.read(2))

    assert cancelled.json()["status"] == "cancelled"
    assert (again.status_code, again.json()["title"]) == (409, "The job has ended already")
    assert (await job())["pages_done"] == 1, "what is read after that is not counted"
    (told,) = await recorded(OcrCancelled)
    await deliver(OcrCancelled.model_validate(told))
    assert await storage.exists(cancelled_key(worker.job_id, 1))
    assert (await recorded(OcrProgress))[-1]["status"] == "cancelled"


async def test_a_cancelled_job_goes_on_where_it_was_when_it_is_tried_again(
    client: httpx.AsyncClient, job: Any, deliver: Deliver
) -> None:
    worker = Worker(await job())
    await deliver(worker.started(3), worker.read(1))
    await client.post(f"/ocr/jobs/{worker.job_id}/cancel")
    await client.post(f"/ocr/jobs/{worker.job_id}/retry")
    again = Worker(await job(), attempt=2)
    await deliver(again.read(2), again.read(3))
    assert (await job())["status"] == "completed"


async def test_deleting_a_document_cancels_its_job(
    client: httpx.AsyncClient, document: dict[str, Any], recorded: Recorded
) -> None:
    await client.delete(f"/documents/{document['id']}")
    (cancelled,) = await recorded(OcrCancelled)
    assert cancelled["job_id"] == document["job_id"]


async def test_a_document_is_read_once_more_in_another_way(
    client: httpx.AsyncClient,
    document: dict[str, Any],
    job: Any,
    deliver: Deliver,
    recorded: Recorded,
) -> None:
    wish = {"document_id": document["id"], "language": "de", "config": {"force_ocr": True}}
    running = await client.post("/ocr/process", json=wish)
    assert (running.status_code, running.json()["type"][-11:]) == (409, "job-running")
    first = Worker(await job())
    await deliver(first.started(1), first.read(1))

    answer = await client.post("/ocr/process", json=wish)

    assert answer.status_code == 202, answer.text
    assert answer.json()["id"] != str(first.job_id)
    (requested,) = await recorded(OcrRequested)
    assert (requested["language"], requested["force_ocr"]) == ("de", True)
    shown = (await client.get(f"/documents/{document['id']}")).json()
    assert (shown["job_id"], shown["status"]) == (answer.json()["id"], "pending")
    second = Worker(await job())
    await deliver(first.read(1), second.started(2), second.read(1), second.read(2))
    shown = (await client.get(f"/documents/{document['id']}")).json()
    assert (shown["status"], shown["page_count"]) == ("completed", 2)
    jobs = (await client.get("/ocr/jobs")).json()
    assert [each["id"] for each in jobs["items"]] == [str(second.job_id), str(first.job_id)]
    assert (await client.get("/ocr/jobs", params={"status": "queued"})).json()["total"] == 0
    listed = (await client.get("/documents")).json()
    assert [each["id"] for each in listed["items"]] == [document["id"]], "once, with two jobs"


async def test_a_batch_takes_what_it_can(
    client: httpx.AsyncClient, document: dict[str, Any], job: Any, deliver: Deliver
) -> None:
    worker = Worker(await job())
    await deliver(worker.started(1), worker.read(1))
    unknown = str(uuid4())

    answer = await client.post(
        "/ocr/batch", json={"document_ids": [document["id"], unknown, document["id"]]}
    )

    assert answer.status_code == 202, answer.text
    batch = answer.json()
    assert (batch["total"], batch["successful"], batch["failed"]) == (2, 1, 1)
    assert batch["job_ids"] == [(await job())["id"]]
    (error,) = batch["errors"]
    assert error["document_id"] == unknown
    assert error["error"]["type"] == "urn:quire:problem:document-not-found"


async def test_somebody_elses_jobs_are_not_there(
    sign_in: Callable[[UUID], httpx.AsyncClient], document: dict[str, Any], recorded: Recorded
) -> None:
    stranger = sign_in(uuid4())
    job = f"/ocr/jobs/{document['job_id']}"
    answers = [
        await stranger.get(job),
        await stranger.post(f"{job}/cancel"),
        await stranger.post(f"{job}/retry"),
        await stranger.post("/ocr/process", json={"document_id": document["id"]}),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert (await stranger.get("/ocr/jobs")).json()["total"] == 0
    assert await recorded(OcrCancelled) == []
    assert await recorded(OcrPagesRequested) == []
