"""What the workers' events do to a job, through the real broker, inbox and database."""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from common.broker import Publisher, QueueSpec, connect, declare
from common.database import Sessions
from common.envelope import Envelope, open_message, seal
from common.inbox import once
from common.outbox import outbox
from common.settings import StorageSettings
from common.storage import Storage
from common.testing import eventually, serving
from contracts import (
    DocumentUploaded,
    Event,
    Failure,
    OcrCompleted,
    OcrFailed,
    OcrPageCompleted,
    OcrPageFailed,
    OcrProgress,
    OcrRejected,
    OcrStarted,
    PageSource,
)
from documents.app import create_worker
from documents.consumers import HANDLERS, QUEUE
from documents.settings import WorkerSettings

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

    def rejected(self) -> OcrRejected:
        return OcrRejected(**self._ids, error=ERROR)


@pytest.fixture
async def document(
    client: httpx.AsyncClient, new_file: Callable[[], bytes], sessions: Sessions
) -> dict[str, Any]:
    assert sessions, "the outbox is emptied first"
    response = await client.post("/documents", files={"file": ("scan.pdf", new_file())})
    document: dict[str, Any] = response.json()
    return document


async def deliver(sessions: Sessions, *events: Event) -> None:
    handlers = once(sessions, HANDLERS)
    for event in events:
        await handlers[type(event)](event, seal(event, source="test"))


async def recorded(sessions: Sessions, kind: type[Event]) -> list[dict[str, Any]]:
    async with sessions() as session:
        rows = await session.execute(
            sa.select(outbox).where(outbox.c.type == kind.type()).order_by(outbox.c.position)
        )
        return [row.data for row in rows]


async def test_pages_are_counted_to_completion(
    client: httpx.AsyncClient,
    document: dict[str, Any],
    sessions: Sessions,
    storage_settings: StorageSettings,
) -> None:
    reports = Reports(document)
    storage = Storage(storage_settings)
    for page in (1, 2, 3):
        result = json.dumps({"text": f"Seite {page}\n"}).encode()
        key = f"results/{reports.job_id}/{page}.json"
        await storage.put(key, result, content_type="application/json")

    await deliver(sessions, reports.started(3), reports.read(2), reports.read(1))
    half = (await client.get(f"/documents/{document['id']}")).json()
    half_text = (await client.get(f"/documents/{document['id']}/text")).json()
    await deliver(sessions, reports.read(3))
    done = (await client.get(f"/documents/{document['id']}")).json()
    text = (await client.get(f"/documents/{document['id']}/text")).json()

    assert (half["status"], half["progress"], half["page_count"]) == ("processing", 66, 3)
    assert half_text == {"document_id": document["id"], "text": "Seite 1\n\nSeite 2", "pages": 2}
    assert (done["status"], done["progress"], done["error"]) == ("completed", 100, None)
    assert text["text"] == "Seite 1\n\nSeite 2\n\nSeite 3"
    progress = [event["progress"] for event in await recorded(sessions, OcrProgress)]
    assert progress == [0, 0, 33, 66, 100]
    (completed,) = await recorded(sessions, OcrCompleted)
    assert (completed["pages"], completed["partial"]) == (3, False)


async def test_missing_pages_are_named(
    client: httpx.AsyncClient, document: dict[str, Any], sessions: Sessions
) -> None:
    reports = Reports(document)
    await deliver(
        sessions, reports.started(3), reports.read(1), reports.failed(2), reports.failed(3)
    )

    shown = (await client.get(f"/documents/{document['id']}")).json()
    pages = (await client.get(f"/documents/{document['id']}/pages")).json()
    assert (shown["status"], shown["progress"]) == ("partial", 100)
    assert [(page["number"], page["source"]) for page in pages] == [
        (1, "ocr"),
        (2, "failed"),
        (3, "failed"),
    ]
    assert pages[2]["error"]["type"] == ERROR.type
    (completed,) = await recorded(sessions, OcrCompleted)
    assert (completed["partial"], completed["missing_pages"]) == (True, [2, 3])


async def test_a_document_without_a_readable_page_has_failed_for_its_reason(
    client: httpx.AsyncClient, document: dict[str, Any], sessions: Sessions
) -> None:
    reports = Reports(document)
    await deliver(sessions, reports.started(2), reports.failed(1), reports.failed(2))

    shown = (await client.get(f"/documents/{document['id']}")).json()
    assert (shown["status"], shown["error"]["type"]) == ("failed", ERROR.type)
    assert len(await recorded(sessions, OcrFailed)) == 1
    assert await recorded(sessions, OcrCompleted) == []


async def test_a_rejected_document_has_failed(
    client: httpx.AsyncClient, document: dict[str, Any], sessions: Sessions
) -> None:
    await deliver(sessions, Reports(document).rejected())

    shown = (await client.get(f"/documents/{document['id']}")).json()
    assert (shown["status"], shown["error"]["title"]) == ("failed", "Too slow")


async def test_what_arrives_after_a_deletion_changes_nothing(
    client: httpx.AsyncClient, document: dict[str, Any], sessions: Sessions
) -> None:
    reports = Reports(document)
    await deliver(sessions, reports.started(1))
    await client.delete(f"/documents/{document['id']}")
    await deliver(sessions, reports.read(1))

    assert await recorded(sessions, OcrCompleted) == []
    assert (await client.get(f"/documents/{document['id']}")).status_code == 404


async def test_an_event_for_an_unknown_job_is_dropped(
    document: dict[str, Any], sessions: Sessions
) -> None:
    unknown = Reports({**document, "job_id": document["id"]})

    await deliver(sessions, unknown.started(1), unknown.read(1), unknown.rejected())

    assert await recorded(sessions, OcrCompleted) == []


async def test_the_last_two_pages_at_once_complete_the_job_once(
    client: httpx.AsyncClient, document: dict[str, Any], sessions: Sessions
) -> None:
    reports = Reports(document)
    pages = 30
    await deliver(sessions, reports.started(pages))

    await asyncio.gather(*(deliver(sessions, reports.read(page)) for page in range(1, pages + 1)))

    job = (await client.get(f"/ocr/jobs/{document['job_id']}")).json()
    assert (job["status"], job["pages_done"], job["progress"]) == ("completed", pages, 100)
    assert len(await recorded(sessions, OcrCompleted)) == 1


@pytest.fixture
async def worker(database_url: str, amqp_url: str) -> AsyncIterator[str]:
    """Run the real worker process's app, with queues for what it publishes."""
    settings = WorkerSettings.model_validate(
        {"port": 0, "database_url": database_url, "amqp_url": amqp_url, "shutdown_seconds": 5}
    )
    everything = (DocumentUploaded, OcrProgress, OcrCompleted, OcrFailed)
    tap = QueueSpec("tap", events=tuple(kind.name for kind in everything))
    async with await connect(amqp_url) as connection:
        for queue in (tap, QUEUE):
            await declare(await connection.channel(), queue)
    async with serving(create_worker(settings)) as url:
        yield url


async def test_events_sent_five_times_in_any_order_complete_a_job_once(
    client: httpx.AsyncClient,
    document: dict[str, Any],
    sessions: Sessions,
    worker: str,
    amqp_url: str,
) -> None:
    reports = Reports(document)
    events: list[Event] = [reports.started(6), *(reports.read(page) for page in range(1, 7))]
    envelopes = [seal(event, source="test") for event in events] * 5
    random.Random(7).shuffle(envelopes)
    publisher = Publisher(amqp_url)
    assert await publisher.publish_all(envelopes) == [None] * len(envelopes)

    async def completed() -> bool:
        job = (await client.get(f"/ocr/jobs/{document['job_id']}")).json()
        return bool(job["status"] == "completed")

    await eventually(completed)

    async def quiet() -> bool:
        async with sessions() as session:
            return await session.scalar(sa.select(sa.func.count()).select_from(outbox)) == 0

    await eventually(quiet)
    await publisher.close()
    told = await _drain(amqp_url, "tap")
    finals = [event for _, event in told if isinstance(event, OcrCompleted)]
    assert len(finals) == 1
    progress = [event.progress for _, event in told if isinstance(event, OcrProgress)]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0, 100)
    assert worker


async def _drain(url: str, queue: str) -> list[tuple[Envelope, Event]]:
    told = []
    async with await connect(url) as connection:
        found = await (await connection.channel()).get_queue(queue)
        with contextlib.suppress(asyncio.TimeoutError):
            while (message := await found.get(no_ack=True, fail=False)) is not None:
                told.append(open_message(message))
    return told
