"""The worker as its neighbours see it: events in, result objects and events out."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from aio_pika.abc import AbstractIncomingMessage
from common.broker import Publisher, QueueSpec, connect, declare
from common.envelope import open_message, seal
from common.settings import StorageSettings
from common.storage import Storage
from common.testing import eventually, serving
from contracts import (
    DocumentUploaded,
    Event,
    OcrAssembled,
    OcrPageCompleted,
    OcrPageFailed,
    OcrPagesRequested,
    OcrRejected,
    OcrRequested,
    OcrStarted,
    PageSource,
    ReadingTask,
    cancelled_key,
)
from cryptography.fernet import Fernet
from ocr_worker.app import create_worker
from ocr_worker.backends.registry import Backends
from ocr_worker.consumers import ASSEMBLY, DOCUMENTS, PAGES
from ocr_worker.opening import Opener
from ocr_worker.reporting import Reporter
from ocr_worker.service import ReadingService
from ocr_worker.settings import Settings

CORPUS = Path(__file__).parents[3] / "tests" / "corpus"
REPORTS = (OcrStarted, OcrRejected, OcrPageCompleted, OcrPageFailed, OcrAssembled)
TASKS = (DocumentUploaded, OcrRequested)
SEAL = Fernet.generate_key()
E = TypeVar("E", bound=Event)


class Tap:
    """Everything that the workers have reported, repeats included.

    As the documents service does, it asks for the pages of a document that could be opened.
    """

    def __init__(self, publisher: Publisher) -> None:
        self.heard: list[tuple[str, Event]] = []
        self._publisher = publisher
        self._tasks: dict[UUID, ReadingTask] = {}

    async def take(self, message: AbstractIncomingMessage) -> None:
        envelope, event = open_message(message)
        if isinstance(event, DocumentUploaded | OcrRequested):
            self._tasks[event.job_id] = event
        else:
            self.heard.append((envelope.id, event))
        if isinstance(event, OcrStarted):
            await self._ask(event)
        await message.ack()

    async def _ask(self, started: OcrStarted) -> None:
        task = self._tasks[started.job_id].model_dump()
        for first in range(1, started.pages + 1, 2):
            run = {"first": first, "last": min(first + 1, started.pages)}
            request = OcrPagesRequested.model_validate({**task, **run})
            await self._publisher.publish(seal(request, source="documents"))

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of a kind, each once, as an inbox would let them through."""
        once = {identity: event for identity, event in self.heard if isinstance(event, kind)}
        return list(once.values())

    async def pages(self, count: int, *, within: float = 60) -> list[OcrPageCompleted]:
        async def all_there() -> bool:
            return len(self.of(OcrPageCompleted)) >= count

        await eventually(all_there, within=within)
        return sorted(self.of(OcrPageCompleted), key=lambda event: event.page)


@pytest.fixture
async def tap(amqp_url: str, publisher: Publisher) -> AsyncIterator[Tap]:
    tap = Tap(publisher)
    async with await connect(amqp_url) as connection:
        channel = await connection.channel()
        for spec in (DOCUMENTS, PAGES, ASSEMBLY):
            await declare(channel, spec)
        queue = await declare(
            channel, QueueSpec("tap", tuple(kind.name for kind in (*REPORTS, *TASKS)))
        )
        await queue.consume(tap.take)
        yield tap


@pytest.fixture
def storage(storage_settings: StorageSettings) -> Storage:
    return Storage(storage_settings)


@pytest.fixture
def environment(storage_settings: StorageSettings, amqp_url: str) -> dict[str, str]:
    """Return the settings of a worker process."""
    return {
        "QUIRE_AMQP_URL": amqp_url,
        "QUIRE_S3_ENDPOINT": str(storage_settings.s3_endpoint),
        "QUIRE_S3_ACCESS_KEY": storage_settings.s3_access_key,
        "QUIRE_S3_SECRET_KEY": storage_settings.s3_secret_key.get_secret_value(),
        "QUIRE_S3_BUCKET": storage_settings.s3_bucket,
        "QUIRE_SHUTDOWN_SECONDS": "5",
        "QUIRE_PASSWORD_SEALING_KEY": SEAL.decode(),
        "QUIRE_SLOTS": "2",
    }


@pytest.fixture
async def worker(
    environment: dict[str, str], tap: Tap, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    for name, value in {**environment, "QUIRE_PORT": "0"}.items():
        monkeypatch.setenv(name, value)
    assert tap.heard == []
    async with serving(create_worker(Settings())) as url:
        yield url


@pytest.fixture
async def publisher(amqp_url: str) -> AsyncIterator[Publisher]:
    publisher = Publisher(amqp_url)
    yield publisher
    await publisher.close()


async def upload(
    storage: Storage,
    publisher: Publisher,
    path: Path,
    *,
    mime_type: str = "application/pdf",
    **values: Any,
) -> DocumentUploaded:
    """Store a file and announce it, as the documents service does."""
    data = path.read_bytes()
    key = f"originals/{uuid4()}"
    await storage.put(key, data, content_type=mime_type)
    event = DocumentUploaded(
        document_id=uuid4(),
        owner_id=uuid4(),
        job_id=uuid4(),
        object_key=key,
        mime_type=mime_type,
        file_size=len(data),
        **values,
    )
    await publisher.publish(seal(event, source="documents"))
    return event


async def text_of(storage: Storage, page: OcrPageCompleted) -> str:
    text: str = json.loads(await storage.get(page.result_key))["text"]
    return text


async def test_a_document_is_planned_and_its_pages_are_read(
    worker: str, tap: Tap, storage: Storage, publisher: Publisher
) -> None:
    event = await upload(storage, publisher, CORPUS / "digital" / "pdflatex-4-pages.pdf")

    pages = await tap.pages(4)

    assert worker
    assert [(started.job_id, started.pages) for started in tap.of(OcrStarted)] == [
        (event.job_id, 4)
    ]
    assert [page.page for page in pages] == [1, 2, 3, 4]
    for page in pages:
        assert page.result_key == f"results/{event.job_id}/{page.page}.json"
        assert page.source == PageSource.TEXT_LAYER
        assert len(await text_of(storage, page)) == page.chars


async def test_a_document_that_cannot_be_opened_is_rejected_by_name(
    worker: str, tap: Tap, storage: Storage, publisher: Publisher
) -> None:
    event = await upload(storage, publisher, CORPUS / "broken" / "password-example.pdf")

    async def told() -> list[OcrRejected]:
        return tap.of(OcrRejected)

    (rejected,) = await eventually(told)
    assert worker
    assert rejected.job_id == event.job_id
    assert rejected.error.type == "urn:quire:problem:document-encrypted"


async def test_a_document_that_is_gone_is_rejected_by_name(
    worker: str, tap: Tap, storage: Storage, publisher: Publisher
) -> None:
    event = await upload(storage, publisher, CORPUS / "broken" / "invalid.pdf")
    gone = event.model_copy(update={"object_key": "originals/gone", "job_id": uuid4()})
    await publisher.publish(seal(gone, source="documents"))

    async def told() -> list[str]:
        return [r.error.type for r in tap.of(OcrRejected) if r.job_id == gone.job_id]

    assert worker
    assert await eventually(told) == ["urn:quire:problem:document-gone"]


async def test_repeats_tell_the_same_events_and_read_nothing_twice(
    worker: str, tap: Tap, storage: Storage, publisher: Publisher
) -> None:
    event = await upload(storage, publisher, CORPUS / "digital" / "pdflatex-4-pages.pdf")
    first = await tap.pages(4)
    marked = json.loads(await storage.get(first[0].result_key)) | {"text": "read before"}
    await storage.put(
        first[0].result_key, json.dumps(marked).encode(), content_type="application/json"
    )
    heard = len(tap.heard)

    await publisher.publish(seal(event, source="documents"))

    async def all_repeated() -> bool:
        return len(tap.heard) >= heard + 5

    await eventually(all_repeated)
    assert worker
    assert len({identity for identity, _ in tap.heard}) == 5, "one started, four pages"
    assert await text_of(storage, first[0]) == "read before"


async def test_a_document_that_is_to_wait_is_opened_when_it_is_asked_for(
    worker: str, tap: Tap, storage: Storage, publisher: Publisher
) -> None:
    path = CORPUS / "digital" / "pdflatex-4-pages.pdf"
    waiting = await upload(storage, publisher, path, read_now=False)
    other = await upload(storage, publisher, path)
    await tap.pages(4)
    assert {event.job_id for event in tap.of(OcrStarted)} == {other.job_id}

    task = waiting.model_dump(exclude={"file_size", "read_now"})
    await publisher.publish(seal(OcrRequested.model_validate(task), source="documents"))
    await tap.pages(8)
    assert worker
    assert {event.job_id for event in tap.of(OcrStarted)} == {waiting.job_id, other.job_id}


async def test_a_cancelled_attempt_is_not_read_and_the_next_one_is(
    worker: str, tap: Tap, storage: Storage, publisher: Publisher
) -> None:
    path = CORPUS / "digital" / "pdflatex-4-pages.pdf"
    task = await upload(storage, publisher, path, read_now=False)
    word = cancelled_key(task.job_id, 1)
    await storage.put(word, b"", content_type="application/octet-stream")

    def run(attempt: int, page: int) -> OcrPagesRequested:
        values = task.model_dump() | {"attempt": attempt, "first": page, "last": page}
        return OcrPagesRequested.model_validate(values)

    await publisher.publish(seal(run(1, 3), source="documents"))
    await publisher.publish(seal(run(2, 4), source="documents"))
    pages = await tap.pages(1)
    await publisher.publish(seal(run(2, 3), source="documents"))
    pages = await tap.pages(2)

    assert worker
    assert [(page.page, page.attempt) for page in pages] == [(3, 2), (4, 2)]


async def test_giving_up_is_told_for_every_page(
    tap: Tap, storage: Storage, publisher: Publisher
) -> None:
    opener = Opener(storage, Backends(), Fernet(SEAL))
    service = ReadingService(storage, opener, Reporter(publisher), default_language="eng")
    job_id = uuid4()
    request = OcrPagesRequested(
        document_id=uuid4(),
        job_id=job_id,
        object_key="x",
        mime_type="application/pdf",
        first=3,
        last=4,
    )

    await service.give_up(request, RuntimeError("secret detail"))

    async def both_told() -> bool:
        return len(tap.of(OcrPageFailed)) == 2

    await eventually(both_told)
    failures = tap.of(OcrPageFailed)
    assert {(failure.job_id, failure.page) for failure in failures} == {(job_id, 3), (job_id, 4)}
    assert {failure.error.type for failure in failures} == {"urn:quire:problem:reading-failed"}
    assert "secret" not in str(failures)


async def start_process(environment: dict[str, str], port: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ocr_worker",
        "worker",
        env={"PATH": os.environ["PATH"], "QUIRE_PORT": str(port), **environment},
        stdout=asyncio.subprocess.DEVNULL,
    )


async def written(storage: Storage, job_id: UUID) -> dict[int, str]:
    """Return the text of the pages that are already stored."""
    found = {}
    for number in range(1, 7):
        key = f"results/{job_id}/{number}.json"
        if await storage.exists(key):
            found[number] = str(json.loads(await storage.get(key))["text"])
    return found


@pytest.mark.timeout(180)
async def test_a_killed_worker_is_replaced_and_finished_pages_stay(
    environment: dict[str, str],
    tap: Tap,
    storage: Storage,
    publisher: Publisher,
    unused_tcp_port_factory: Callable[[], int],
) -> None:
    event = await upload(storage, publisher, CORPUS / "scans" / "multipage.pdf")
    first = await start_process(environment, unused_tcp_port_factory())
    await tap.pages(1)
    first.send_signal(signal.SIGKILL)
    await first.wait()
    before = await written(storage, event.job_id)

    second = await start_process(environment, unused_tcp_port_factory())
    pages = await tap.pages(6, within=120)
    second.send_signal(signal.SIGTERM)
    code = await asyncio.wait_for(second.wait(), 30)

    assert [page.page for page in pages] == [1, 2, 3, 4, 5, 6]
    assert 0 < len(before) < 6
    after = await written(storage, event.job_id)
    assert {number: after[number] for number in before} == before
    assert code == 0
