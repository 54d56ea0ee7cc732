"""What the workers' events do to a job, through the real broker, inbox and database."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from common.database import Sessions
from common.envelope import seal
from common.outbox import outbox
from common.settings import StorageSettings
from common.storage import Storage
from common.testing import eventually
from contracts import (
    Event,
    Failure,
    OcrAssembled,
    OcrCompleted,
    OcrFailed,
    OcrPageCompleted,
    OcrPageFailed,
    OcrProgress,
    OcrRejected,
    OcrStarted,
    PageSource,
)

Deliver = Callable[..., Awaitable[None]]
Publish = Callable[..., Awaitable[None]]
Recorded = Callable[[type[Event]], Awaitable[list[dict[str, Any]]]]
Told = Callable[[], Awaitable[list[Event]]]

ERROR = Failure(type="urn:quire:problem:page-timed-out", title="Too slow")


class Reports:
    """Makes the events of one document's worker."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document_id = UUID(document["id"])
        self.job_id = UUID(document["job_id"])
        self._ids: dict[str, UUID] = {
            "document_id": self.document_id,
            "job_id": self.job_id,
        }

    def started(self, pages: int) -> OcrStarted:
        return OcrStarted(**self._ids, pages=pages)

    def read(self, page: int) -> OcrPageCompleted:
        return OcrPageCompleted(
            **self._ids,
            page=page,
            source=PageSource.OCR,
            chars=5,
            confidence=0.9,
            result_key=f"results/{self.job_id}/{page}.json",
        )

    def failed(self, page: int) -> OcrPageFailed:
        return OcrPageFailed(**self._ids, page=page, error=ERROR)

    def assembled(self) -> OcrAssembled:
        return OcrAssembled(**self._ids, outputs=())

    def rejected(self) -> OcrRejected:
        return OcrRejected(**self._ids, error=ERROR)


async def test_pages_are_counted_to_completion(
    client: httpx.AsyncClient,
    document: dict[str, Any],
    recorded: Recorded,
    deliver: Deliver,
    storage_settings: StorageSettings,
) -> None:
    reports = Reports(document)
    storage = Storage(storage_settings)
    for page in (1, 2, 3):
        result = json.dumps({"text": f"Seite {page}\n"}).encode()
        key = f"results/{reports.job_id}/{page}.json"
        await storage.put(key, result, content_type="application/json")

    await deliver(reports.started(3), reports.read(2), reports.read(1))
    half = (await client.get(f"/documents/{document['id']}")).json()
    half_text = (await client.get(f"/documents/{document['id']}/text")).json()
    await deliver(reports.read(3))
    done = (await client.get(f"/documents/{document['id']}")).json()
    text = (await client.get(f"/documents/{document['id']}/text")).json()

    assert (half["status"], half["progress"], half["page_count"]) == ("processing", 66, 3)
    assert half_text == {"document_id": document["id"], "text": "Seite 1\n\nSeite 2", "pages": 2}
    assert (done["status"], done["progress"], done["error"]) == ("completed", 100, None)
    assert text["text"] == "Seite 1\n\nSeite 2\n\nSeite 3"
    progress = [event["progress"] for event in await recorded(OcrProgress)]
    assert progress == [0, 0, 33, 66, 99, 100]
    (completed,) = await recorded(OcrCompleted)
    assert (completed["pages"], completed["partial"]) == (3, False)


async def test_missing_pages_are_named(
    client: httpx.AsyncClient, document: dict[str, Any], recorded: Recorded, deliver: Deliver
) -> None:
    reports = Reports(document)
    await deliver(reports.started(3), reports.read(1), reports.failed(2), reports.failed(3))

    shown = (await client.get(f"/documents/{document['id']}")).json()
    pages = (await client.get(f"/documents/{document['id']}/pages")).json()
    assert (shown["status"], shown["progress"]) == ("partial", 100)
    assert [(page["number"], page["source"]) for page in pages] == [
        (1, "ocr"),
        (2, "failed"),
        (3, "failed"),
    ]
    assert pages[2]["error"]["type"] == ERROR.type
    (completed,) = await recorded(OcrCompleted)
    assert (completed["partial"], completed["missing_pages"]) == (True, [2, 3])


async def test_a_document_without_a_readable_page_has_failed_for_its_reason(
    client: httpx.AsyncClient, document: dict[str, Any], recorded: Recorded, deliver: Deliver
) -> None:
    reports = Reports(document)
    await deliver(reports.started(2), reports.failed(1), reports.failed(2))

    shown = (await client.get(f"/documents/{document['id']}")).json()
    assert (shown["status"], shown["error"]["type"]) == ("failed", ERROR.type)
    assert len(await recorded(OcrFailed)) == 1
    assert await recorded(OcrCompleted) == []


async def test_a_rejected_document_has_failed(
    client: httpx.AsyncClient, document: dict[str, Any], deliver: Deliver
) -> None:
    await deliver(Reports(document).rejected())

    shown = (await client.get(f"/documents/{document['id']}")).json()
    assert (shown["status"], shown["error"]["title"]) == ("failed", "Too slow")


async def test_what_arrives_after_a_deletion_changes_nothing(
    client: httpx.AsyncClient, document: dict[str, Any], recorded: Recorded, deliver: Deliver
) -> None:
    reports = Reports(document)
    await deliver(reports.started(1))
    await client.delete(f"/documents/{document['id']}")
    await deliver(reports.read(1))

    assert await recorded(OcrCompleted) == []
    assert (await client.get(f"/documents/{document['id']}")).status_code == 404


async def test_an_event_for_an_unknown_job_is_dropped(
    document: dict[str, Any], recorded: Recorded, deliver: Deliver
) -> None:
    unknown = Reports({**document, "job_id": document["id"]})

    await deliver(unknown.started(1), unknown.read(1), unknown.rejected())

    assert await recorded(OcrCompleted) == []


async def test_the_last_two_pages_at_once_complete_the_job_once(
    client: httpx.AsyncClient, document: dict[str, Any], recorded: Recorded, deliver: Deliver
) -> None:
    reports = Reports(document)
    pages = 30
    await deliver(reports.started(pages))

    await asyncio.gather(*(deliver(reports.read(page)) for page in range(1, pages + 1)))

    job = (await client.get(f"/ocr/jobs/{document['job_id']}")).json()
    assert (job["status"], job["pages_done"], job["progress"]) == ("completed", pages, 100)
    assert len(await recorded(OcrCompleted)) == 1


@pytest.mark.usefixtures("worker")
async def test_events_sent_five_times_in_any_order_complete_a_job_once(
    client: httpx.AsyncClient,
    document: dict[str, Any],
    sessions: Sessions,
    publish: Publish,
    told: Told,
) -> None:
    reports = Reports(document)
    reported: list[Event] = [reports.started(6), *(reports.read(page) for page in range(1, 7))]
    envelopes = [seal(event, source="test") for event in reported] * 5
    random.Random(7).shuffle(envelopes)
    await publish(*envelopes)

    async def job() -> dict[str, Any]:
        shown: dict[str, Any] = (await client.get(f"/ocr/jobs/{document['job_id']}")).json()
        return shown

    async def read() -> bool:
        return bool((await job())["pages_done"] == 6)

    async def completed() -> bool:
        return bool((await job())["status"] == "completed")

    await eventually(read)
    await publish(*[seal(reports.assembled(), source="test")] * 5)
    await eventually(completed)

    async def quiet() -> bool:
        async with sessions() as session:
            return await session.scalar(sa.select(sa.func.count()).select_from(outbox)) == 0

    await eventually(quiet)
    events = await told()
    assert len([event for event in events if isinstance(event, OcrCompleted)]) == 1
    progress = [event.progress for event in events if isinstance(event, OcrProgress)]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0, 100)
