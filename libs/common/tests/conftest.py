"""What the frame's tests share: a database, a publisher and a reader, a forge of tokens."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from aio_pika.abc import AbstractIncomingMessage
from common.broker import Publisher, QueueSpec, connect, declare
from common.consumer import Consumer, GiveUp, Handlers
from common.database import Sessions, frame_metadata, open_database
from common.errors import Unauthorized
from common.keys import ALGORITHM
from common.security import ACCESS_TOKEN, TokenVerifier
from common.testing import MakeDatabase, TokenIssuer, eventually
from contracts import OcrStarted
from jose import jwk
from jose.utils import base64url_encode
from sqlalchemy.ext.asyncio import AsyncEngine


@pytest.fixture(scope="session")
async def database(make_database: MakeDatabase) -> AsyncIterator[tuple[str, AsyncEngine, Sessions]]:
    url = await make_database(None)
    async with open_database(url) as (engine, sessions):
        async with engine.begin() as connection:
            await connection.run_sync(frame_metadata.create_all)
        yield url, engine, sessions


@pytest.fixture
async def sessions(database: tuple[str, AsyncEngine, Sessions]) -> Sessions:
    _, engine, sessions = database
    async with engine.begin() as connection:
        for table in frame_metadata.sorted_tables:
            await connection.execute(table.delete())
    return sessions


@pytest.fixture
async def publisher(amqp_url: str) -> AsyncIterator[Publisher]:
    publisher = Publisher(amqp_url)
    yield publisher
    await publisher.close()


class Reader:
    """A consumer of a queue of its own."""

    queue = QueueSpec(
        "reader", events=(OcrStarted.name,), retry_seconds=(0.05, 0.1), delivery_limit=2
    )

    def __init__(self, url: str) -> None:
        self._url = url

    @asynccontextmanager
    async def consuming(
        self, handlers: Handlers, *, drain_seconds: float = 5, give_up: GiveUp | None = None
    ) -> AsyncIterator[None]:
        """Consume meanwhile."""
        await self.declare()
        consumer = Consumer(
            self._url,
            self.queue,
            handlers,
            prefetch=10,
            drain_seconds=drain_seconds,
            give_up=give_up,
        )
        task = asyncio.create_task(consumer.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def declare(self) -> None:
        """Make sure that the queue is there."""
        async with await connect(self._url) as connection:
            await declare(await connection.channel(), self.queue)

    async def waiting(self, queue: str) -> int:
        """Return how many messages wait in a queue."""
        async with await connect(self._url) as connection:
            found = await (await connection.channel()).get_queue(queue)
            return found.declaration_result.message_count or 0

    async def take(self, queue: str) -> AbstractIncomingMessage:
        """Take a message out of a queue as soon as there is one."""
        async with await connect(self._url) as connection:
            found = await (await connection.channel()).get_queue(queue)

            async def one() -> AbstractIncomingMessage | None:
                return await found.get(no_ack=True, fail=False)

            message = await eventually(one)
            assert message is not None
            return message


@pytest.fixture
def reader(amqp_url: str) -> Reader:
    return Reader(amqp_url)


class Forge:
    """Signs with the right key whatever it is given, as no sane issuer would."""

    def __init__(self) -> None:
        self.issuer = TokenIssuer()
        self._key = jwk.construct(self.issuer.private_key, ALGORITHM)

    def header(self, **changes: object) -> dict[str, Any]:
        """Return the header of a valid token, except for the changes."""
        return {"alg": ALGORITHM, "typ": ACCESS_TOKEN, "kid": self.issuer.kid, **changes}

    def claims(self, **changes: object) -> dict[str, Any]:
        """Return the claims of a valid token, except for the changes."""
        now = int(time.time())
        names = {"iss": "quire-auth", "aud": "quire", "sub": str(uuid4()), "sid": str(uuid4())}
        return {**names, "jti": uuid4().hex, "iat": now, "exp": now + 600, **changes}

    def token(self, header: object = None, claims: object = None) -> str:
        """Sign a header and claims: values for JSON, or the very bytes that are to be there."""
        parts = (
            self.header() if header is None else header,
            self.claims() if claims is None else claims,
        )
        signed = ".".join(base64url_encode(_bytes(part)).decode() for part in parts)
        return self.seal(signed)

    def seal(self, signed: str) -> str:
        """Add the signature."""
        return f"{signed}.{base64url_encode(self._key.sign(signed.encode())).decode()}"


@pytest.fixture(scope="session")
def forge() -> Forge:
    return Forge()


@pytest.fixture(scope="session")
def verdict(forge: Forge) -> Callable[[str], Awaitable[str]]:
    """Ask a verifier that knows the forge's key; any other error than its own is a bug."""

    async def keys() -> list[dict[str, Any]]:
        return forge.issuer.jwks["keys"]

    verifier = TokenVerifier(keys, issuer="quire-auth", audience="quire")

    async def ask(token: str) -> str:
        try:
            await verifier.verify(token)
        except Unauthorized:
            return "refused"
        return "accepted"

    return ask


def _bytes(part: object) -> bytes:
    return part if isinstance(part, bytes) else json.dumps(part).encode()
