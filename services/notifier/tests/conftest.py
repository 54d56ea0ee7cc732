"""The notifier as its neighbours see it: events on one side, sockets on the other."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import notifier
import pytest
from common import broker
from common.envelope import Envelope, seal
from common.testing import MakeDatabase, TokenIssuer, serving
from contracts import Event, OcrCompleted, OcrProgress
from cryptography.fernet import Fernet
from notifier.app import create_api, create_worker
from notifier.consumers import MAIL_QUEUE, QUEUE, handlers
from notifier.notifications import NotificationService
from notifier.settings import ApiSettings, WorkerSettings
from notifier.streams import Streams
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed


@dataclass
class Job:
    """A job of a document, and the events of its life."""

    owner_id: UUID
    pages: int = 4
    document_id: UUID = field(default_factory=uuid4)
    job_id: UUID = field(default_factory=uuid4)

    def progress(self, done: int, status: str = "processing") -> OcrProgress:
        return OcrProgress(
            document_id=self.document_id,
            owner_id=self.owner_id,
            job_id=self.job_id,
            status=status,
            progress=100 * done // self.pages,
            page=done or None,
            pages_done=done,
            pages_total=self.pages,
        )

    def completed(self) -> OcrCompleted:
        return OcrCompleted(
            document_id=self.document_id,
            owner_id=self.owner_id,
            job_id=self.job_id,
            pages=self.pages,
        )

    def another(self, **changes: Any) -> "Job":
        """Return a job of another document of the same user."""
        return Job(**{"owner_id": self.owner_id, "pages": self.pages, **changes})

    def life(self) -> list[Event]:
        """Return all its events in the order in which they happen."""
        return [
            self.progress(0, "queued"),
            *(self.progress(done) for done in range(self.pages)),
            self.progress(self.pages, "completed"),
            self.completed(),
        ]


@dataclass
class Listener:
    """A client on a socket."""

    connection: ClientConnection

    async def next(self, *, within: float = 10.0) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await asyncio.wait_for(self.connection.recv(), within))
        assert message.keys() >= {"type", "offset", "timestamp"}
        return message

    async def established(self, *, within: float = 10.0) -> dict[str, Any]:
        message = await self.next(within=within)
        assert message["type"] == "connection_established"
        return message

    async def up_to(self, kind: str) -> list[dict[str, Any]]:
        """Return the messages up to the first of a kind."""
        messages = [await self.next()]
        while messages[-1]["type"] != kind:
            messages.append(await self.next())
        return messages

    async def say(self, **message: object) -> None:
        await self.connection.send(json.dumps(message))

    async def hears_nothing(self) -> None:
        """Ask for a pong: whatever was sent before it would come first."""
        await self.say(type="ping")
        assert (await self.next())["type"] == "pong"

    async def close_code(self, *, within: float = 10.0) -> int | None:
        """Return the code with which the server closes, whatever it may send before."""
        try:
            async with asyncio.timeout(within):
                while True:
                    await self.connection.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


Listen = Callable[..., AbstractAsyncContextManager[Listener]]
Tell = Callable[..., Awaitable[None]]
Settings = Callable[..., ApiSettings]
StartWorker = Callable[..., AbstractAsyncContextManager[str]]
Publish = Callable[..., Awaitable[None]]


@pytest.fixture
def user_id() -> UUID:
    return uuid4()


@pytest.fixture
def redis_url(infrastructure: Any) -> str:
    return str(infrastructure.redis_url)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with aclosing(Redis.from_url(redis_url)) as redis:
        yield redis


@pytest.fixture(scope="session")
def api_settings(infrastructure: Any, issuer: TokenIssuer) -> Settings:
    """Make settings of the api process, normal except for the changes."""

    def make(**changes: object) -> ApiSettings:
        normal = {
            "port": 0,
            "redis_url": infrastructure.redis_url,
            "jwks_url": issuer.jwks_url,
        }
        return ApiSettings.model_validate({**normal, **changes})

    return make


@pytest.fixture(scope="session")
async def api_url(api_settings: Settings) -> AsyncIterator[str]:
    async with serving(create_api(api_settings())) as url:
        yield url


@pytest.fixture(scope="session")
def migrations() -> Path:
    return Path(notifier.__file__).parent / "migrations"


@pytest.fixture(scope="session")
async def database_url(make_database: MakeDatabase, migrations: Path) -> str:
    return await make_database(migrations)


@pytest.fixture(scope="session")
def sealing_key() -> str:
    return Fernet.generate_key().decode()


@pytest.fixture
def smtp_port(unused_tcp_port_factory: Callable[[], int]) -> int:
    """Return the port of the mail server; nobody listens there unless a test makes one."""
    return unused_tcp_port_factory()


@pytest.fixture
async def worker_settings(
    amqp_url: str, redis_url: str, database_url: str, sealing_key: str, smtp_port: int
) -> dict[str, str]:
    """Return the settings of a worker, whose queues are there from the beginning."""
    async with await broker.connect(amqp_url) as connection:
        for queue in (QUEUE, MAIL_QUEUE):
            await broker.declare(await connection.channel(), queue)
    return {
        "redis_url": redis_url,
        "amqp_url": amqp_url,
        "database_url": database_url,
        "smtp_host": "127.0.0.1",
        "smtp_port": str(smtp_port),
        "smtp_tls": "none",
        "mail_from": "Quire <noreply@quire.example>",
        "public_url": "https://quire.example",
        "link_sealing_key": sealing_key,
    }


@pytest.fixture
def worker_env(worker_settings: dict[str, str], unused_tcp_port: int) -> dict[str, str]:
    """Return the same settings as a process is given them."""
    settings = {"port": str(unused_tcp_port), **worker_settings}
    return {f"QUIRE_{name.upper()}": value for name, value in settings.items()}


@pytest.fixture
def start_worker(worker_settings: dict[str, str]) -> StartWorker:
    """Start a worker, normal except for the changes."""

    def start(**changes: object) -> AbstractAsyncContextManager[str]:
        settings = WorkerSettings.model_validate({"port": 0, **worker_settings, **changes})
        return serving(create_worker(settings))

    return start


@pytest.fixture
async def publish(amqp_url: str) -> AsyncIterator[Publish]:
    """Publish events in the order given, each as often as asked."""
    publisher = broker.Publisher(amqp_url)

    async def publish(*events: Event, times: int = 1) -> None:
        for event in events:
            envelope = seal(event, source="documents")
            for _ in range(times):
                await publisher.publish(envelope)

    yield publish
    await publisher.close()


@pytest.fixture
def listen(api_url: str, issuer: TokenIssuer) -> Listen:
    """Open a socket: for a signed-in user, or with exactly what is given."""

    @asynccontextmanager
    async def open_socket(
        user_id: UUID | None = None,
        *,
        url: str = api_url,
        path: str = "/ws",
        **options: Any,
    ) -> AsyncIterator[Listener]:
        address = f"{url.replace('http', 'ws', 1)}/api/v1{path}"
        headers = issuer.headers(user_id) if user_id else {}
        async with connect(
            address, additional_headers=headers, ping_interval=None, **options
        ) as connection:
            yield Listener(connection)

    return open_socket


@pytest.fixture
def job(user_id: UUID) -> Job:
    return Job(user_id)


@pytest.fixture
def tell(redis: Redis) -> Tell:
    """Do what the worker does with an event, without the broker in between."""
    table = handlers(NotificationService(Streams(redis)))

    async def tell(event: Event, envelope: Envelope | None = None) -> None:
        await table[type(event)](event, envelope or seal(event, source="documents"))

    return tell
