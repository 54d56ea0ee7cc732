"""The documents service as its neighbours see it: HTTP on one side, events on the other."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import documents
import httpx
import pytest
import sqlalchemy as sa
from common.broker import Publisher, QueueSpec, connect, declare
from common.database import Sessions, frame_metadata, open_database, transaction
from common.envelope import Envelope, open_message, seal
from common.outbox import outbox
from common.settings import StorageSettings
from common.storage import Storage
from common.testing import MakeDatabase, TokenIssuer, serving
from contracts import (
    DocumentDeleted,
    DocumentPurged,
    DocumentRestored,
    DocumentUpdated,
    DocumentUploaded,
    Event,
    Failure,
    OcrAssembled,
    OcrAssemblyRequested,
    OcrCancelled,
    OcrCompleted,
    OcrFailed,
    OcrPageCompleted,
    OcrPageFailed,
    OcrPagesRequested,
    OcrProgress,
    OcrRequested,
    OcrStarted,
    PageSource,
)
from cryptography.fernet import Fernet
from documents.app import create_api, create_worker
from documents.consumers import QUEUE, handlers
from documents.jobs.models import Job, Status
from documents.models import Document
from documents.search.indexing import QUEUE as SEARCH_QUEUE
from documents.search.indexing import Indexer
from documents.settings import ApiSettings, WorkerSettings

Upload = Callable[..., Awaitable[httpx.Response]]
Deliver = Callable[..., Awaitable[None]]
Keep = Callable[..., Awaitable[list[UUID]]]
LetRead = Callable[..., Awaitable[list[str]]]
Read = Callable[..., Awaitable[None]]
Recorded = Callable[[type[Event]], Awaitable[list[dict[str, Any]]]]

MIGRATIONS = Path(documents.__file__).parent / "migrations"
PDF = b"%PDF-1.7\n" + b"0" * 2000


@pytest.fixture(scope="session")
async def database_url(make_database: MakeDatabase) -> str:
    return await make_database(MIGRATIONS)


@pytest.fixture
async def sessions(database_url: str) -> AsyncIterator[Sessions]:
    async with open_database(database_url) as (engine, sessions):
        async with engine.begin() as connection:
            for table in frame_metadata.sorted_tables:
                await connection.execute(table.delete())
        yield sessions


@pytest.fixture(scope="session")
def settings(
    database_url: str, storage_settings: StorageSettings, issuer: TokenIssuer, infrastructure: Any
) -> ApiSettings:
    return ApiSettings.model_validate(
        {
            **storage_settings.model_dump(),
            "port": 0,
            "database_url": database_url,
            "jwks_url": issuer.jwks_url,
            "amqp_url": infrastructure.amqp_url,
            "max_file_bytes": 20 << 20,
            "password_sealing_key": Fernet.generate_key().decode(),
        }
    )


@pytest.fixture(scope="session")
async def api_url(settings: ApiSettings) -> AsyncIterator[str]:
    async with serving(create_api(settings)) as url:
        yield f"{url}/api/v1"


@pytest.fixture
async def sign_in(
    api_url: str, issuer: TokenIssuer
) -> AsyncIterator[Callable[[UUID], httpx.AsyncClient]]:
    """Make clients that are signed in as some user."""
    clients: list[httpx.AsyncClient] = []

    def make(user_id: UUID) -> httpx.AsyncClient:
        client = httpx.AsyncClient(base_url=api_url, headers=issuer.headers(user_id))
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def user_id() -> UUID:
    return uuid4()


@pytest.fixture
def client(sign_in: Callable[[UUID], httpx.AsyncClient], user_id: UUID) -> httpx.AsyncClient:
    return sign_in(user_id)


@pytest.fixture
def upload(client: httpx.AsyncClient) -> Upload:
    """Upload a file as the user."""

    async def upload(data: bytes, *, name: str = "scan.pdf", **fields: str) -> httpx.Response:
        return await client.post("/documents", files={"file": (name, data)}, data=fields)

    return upload


@pytest.fixture
def keep(sessions: Sessions, user_id: UUID) -> Keep:
    """Put documents straight into the database: many, of any age, in any state; return their ids.

    Those without a `created_at` are one minute older each than the one before.
    """

    async def keep(*documents: dict[str, Any], owner_id: UUID = user_id) -> list[UUID]:
        rows = []
        for number, given in enumerate(documents):
            values = {"title": "", "description": "", "filename": "scan.pdf", **given}
            job = Job(
                user_id=owner_id,
                status=Status(values.pop("status", "queued")),
                pages_total=values.pop("page_count", None),
            )
            defaults = {
                "user_id": owner_id,
                "mime_type": "application/pdf",
                "file_size": 1,
                "file_hash": uuid4().hex,
                "object_key": "originals/none",
                "created_at": datetime.now(UTC) - timedelta(minutes=number),
            }
            rows.append(Document(id=uuid4(), job=job, **{**defaults, **values}))
        async with transaction(sessions) as session:
            session.add_all(rows)
        return [row.id for row in rows]

    return keep


@pytest.fixture
async def read(sessions: Sessions, storage_settings: StorageSettings) -> AsyncIterator[Read]:
    """Let pages of a document have been read: their results are stored, and can be searched.

    The words of a page stand in one line, each 10 wide and 8 high.
    """
    storage = Storage(storage_settings)

    async def read(
        document_id: UUID, *texts: str, first: int = 1, language: str | None = None
    ) -> None:
        async with sessions() as session:
            job_id = await session.scalar(sa.select(Job.id).filter_by(document_id=document_id))
        assert job_id is not None
        for page, text in enumerate(texts, first):
            words = [
                {"text": word, "bbox": [x * 10, 0, x * 10 + 10, 8], "confidence": 1}
                for x, word in enumerate(text.split())
            ]
            result = json.dumps({"text": text, "language": language, "words": words}).encode()
            key = f"results/{job_id}/{page}.json"
            await storage.put(key, result, content_type="application/json")
            await Indexer(sessions, storage).index(job_id, page, key)

    yield read
    storage.close()


@pytest.fixture
def slug() -> Callable[[httpx.Response], str]:
    """Return the name of the problem that an answer tells, whole and in its form."""

    def slug(response: httpx.Response) -> str:
        assert response.headers["content-type"] == "application/problem+json"
        body = response.json()
        assert body["request_id"] == response.headers["x-request-id"]
        return str(body["type"].removeprefix("urn:quire:problem:"))

    return slug


@pytest.fixture
def new_file() -> Callable[[], bytes]:
    """Make small files that nobody has uploaded before."""
    return lambda: PDF + uuid4().bytes


@pytest.fixture
async def document(upload: Upload, new_file: Callable[[], bytes], sessions: Sessions) -> Any:
    assert sessions, "the outbox is emptied first"
    return (await upload(new_file())).json()


@pytest.fixture
async def storage(storage_settings: StorageSettings) -> AsyncIterator[Storage]:
    storage = Storage(storage_settings)
    yield storage
    storage.close()


@pytest.fixture
def understanding() -> dict[str, Any] | None:
    """Return what a worker understands of every document; tests have their own."""
    return None


@pytest.fixture
def deliver(sessions: Sessions, storage: Storage, understanding: dict[str, Any] | None) -> Deliver:
    """Do what the worker does with events, without the broker in between.

    What is asked about a whole document is answered as by a worker that can make nothing of it.
    """

    made = {"outputs": (), "understanding": understanding}

    async def asked() -> list[OcrAssembled]:
        rows = sa.select(outbox.c.data).where(outbox.c.type == OcrAssemblyRequested.type())
        async with sessions() as session:
            found = (await session.scalars(rows)).all()
        return [OcrAssembled.model_validate({**task, **made}) for task in found]

    async def deliver(*events: Event) -> None:
        table = handlers(sessions, storage)
        for event in events:
            await table[type(event)](event, seal(event, source="test"))
            for answer in await asked():
                await table[OcrAssembled](answer, seal(answer, source="test"))

    return deliver


@pytest.fixture
def let_read(deliver: Deliver, storage: Storage) -> LetRead:
    """Let the pages of a document be read: of each its result, or None for one that fails.

    `total` may be more: then some are still to come. A result may be bytes of any other kind.
    """

    async def let_read(
        document: dict[str, Any], *results: Any, total: int | None = None
    ) -> list[str]:
        of = {"document_id": document["id"], "job_id": document["job_id"]}
        keys = [f"results/{of['job_id']}/{page}.json" for page in range(1, len(results) + 1)]
        await deliver(OcrStarted(**of, pages=total or len(results)))
        for page, (key, result) in enumerate(zip(keys, results, strict=True), 1):
            if result is None:
                error = Failure(type="urn:x", title="Too slow")
                await deliver(OcrPageFailed(**of, page=page, error=error))
                continue
            data = result if isinstance(result, bytes) else json.dumps(result).encode()
            await storage.put(key, data, content_type="application/json")
            told = {"source": PageSource.OCR, "chars": 1, "confidence": 1, "result_key": key}
            await deliver(OcrPageCompleted(**of, **told, page=page))
        return keys

    return let_read


@pytest.fixture
def recorded(sessions: Sessions) -> Recorded:
    """Return the events of a kind that wait to be sent, in their order."""

    async def recorded(kind: type[Event]) -> list[dict[str, Any]]:
        rows = sa.select(outbox).where(outbox.c.type == kind.type()).order_by(outbox.c.position)
        async with sessions() as session:
            return [row.data for row in await session.execute(rows)]

    return recorded


@pytest.fixture
async def worker(
    sessions: Sessions, database_url: str, amqp_url: str, storage_settings: StorageSettings
) -> AsyncIterator[str]:
    """Run the real worker process's app, with a queue `tap` for what it publishes."""
    assert sessions, "the outbox is emptied first"
    settings = WorkerSettings.model_validate(
        {
            **storage_settings.model_dump(),
            "port": 0,
            "database_url": database_url,
            "amqp_url": amqp_url,
            "shutdown_seconds": 5,
        }
    )
    everything = (
        DocumentUploaded,
        DocumentUpdated,
        DocumentDeleted,
        DocumentRestored,
        DocumentPurged,
        OcrProgress,
        OcrCompleted,
        OcrFailed,
        OcrCancelled,
        OcrRequested,
        OcrPagesRequested,
        OcrAssemblyRequested,
    )
    tap = QueueSpec("tap", events=tuple(kind.name for kind in everything))
    async with await connect(amqp_url) as connection:
        for queue in (tap, QUEUE, SEARCH_QUEUE):
            await declare(await connection.channel(), queue)
    async with serving(create_worker(settings)) as url:
        yield url


@pytest.fixture
async def publish(amqp_url: str) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    """Publish envelopes, in their order, to whom it may concern."""
    publisher = Publisher(amqp_url)

    async def publish(*envelopes: Envelope) -> None:
        assert await publisher.publish_all(envelopes) == [None] * len(envelopes)

    yield publish
    await publisher.close()


@pytest.fixture
def told(amqp_url: str) -> Callable[[], Awaitable[list[Event]]]:
    """Return what the worker has told the others so far, and has not been returned yet."""

    async def told() -> list[Event]:
        events = []
        async with await connect(amqp_url) as connection:
            tap = await (await connection.channel()).get_queue("tap")
            while (message := await tap.get(no_ack=True, fail=False)) is not None:
                _, event = open_message(message)
                events.append(event)
        return events

    return told
