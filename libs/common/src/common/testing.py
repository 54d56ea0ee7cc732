"""The pytest plugin of the frame: real databases, brokers, buckets and tokens for a test.

The servers come from the `infrastructure` fixture (`native.pytest_plugin`); here each test gets
a part of them that is its own.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import pytest
import uvicorn
from contracts import OWN
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from fastapi import FastAPI
from jose import jwk, jwt
from minio import Minio
from minio.deleteobjects import DeleteObject
from yarl import URL

from common import migrations
from common.keys import ALGORITHM
from common.security import ACCESS_TOKEN
from common.settings import StorageSettings

T = TypeVar("T")

MakeDatabase = Callable[[Path | None], Awaitable[str]]
"""Make a database, migrated by these scripts if any are named, and return its URL."""


async def eventually(check: Callable[[], Awaitable[T]], *, within: float = 15.0) -> T:
    """Repeat `check` until it returns something true without an `AssertionError`; return that."""
    deadline = time.monotonic() + within
    while True:
        try:
            result = await check()
            if result:
                return result
            if time.monotonic() > deadline:
                raise TimeoutError(f"not true within {within} s; last: {result!r}")
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.05)


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """Serve an app on a free loopback port; yield its URL."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False)
    )
    server.capture_signals = nullcontext  # type: ignore[assignment,method-assign]  # they belong to pytest
    task = asyncio.create_task(server.serve())
    try:
        await eventually(lambda: _started(server, task))
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@pytest.fixture(scope="session")
async def make_database(infrastructure: Any) -> AsyncIterator[MakeDatabase]:
    """Make migrated databases; they are dropped when the session ends."""
    admin = infrastructure.postgres_url
    names: list[str] = []

    async def make(scripts: Path | None) -> str:
        name = f"test_{uuid4().hex}"
        await _execute(admin, f"CREATE DATABASE {name}")
        names.append(name)
        url = str(URL(admin).with_scheme("postgresql+asyncpg").with_path(f"/{name}"))
        if scripts is not None:
            await asyncio.to_thread(migrations.upgrade, url, scripts)
        return url

    yield make
    for name in names:
        await _execute(admin, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def amqp_url(infrastructure: Any) -> AsyncIterator[str]:
    """Return the URL of a virtual host that only this test uses."""
    name = f"test-{uuid4().hex}"
    management, broker = URL(infrastructure.management_url), URL(infrastructure.amqp_url)
    login = aiohttp.encode_basic_auth(broker.user or "", broker.password or "")
    vhost = management.with_user(None) / "api" / "vhosts" / name
    async with aiohttp.ClientSession(
        headers={"Authorization": login}, raise_for_status=True
    ) as http:
        await http.put(vhost)
        yield str(broker.with_path(f"/{name}"))
        await http.delete(vhost)


@pytest.fixture(scope="session")
def storage_settings(infrastructure: Any) -> Iterator[StorageSettings]:
    """Return the settings of a bucket that only this session uses; it is removed at the end.

    SeaweedFS gives each bucket volumes of its own, and has about a hundred.
    """
    bucket = f"test-{uuid4().hex}"
    endpoint = URL(infrastructure.s3_endpoint)
    client = Minio(
        f"{endpoint.host}:{endpoint.port}",
        access_key=infrastructure.s3_access_key,
        secret_key=infrastructure.s3_secret_key,
        secure=endpoint.scheme == "https",
    )
    client.make_bucket(bucket)
    yield StorageSettings.model_validate(
        {
            "s3_endpoint": infrastructure.s3_endpoint,
            "s3_access_key": infrastructure.s3_access_key,
            "s3_secret_key": infrastructure.s3_secret_key,
            "s3_bucket": bucket,
        }
    )
    found = client.list_objects(bucket, recursive=True)
    list(client.remove_objects(bucket, (DeleteObject(each.object_name) for each in found)))
    client.remove_bucket(bucket)


class TokenIssuer:
    """Signs tokens as the auth service does, with a key of its own."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.kid = uuid4().hex
        self.private_key = pem.decode()
        self.public_key = public.decode()
        self.jwks = {
            "keys": [{**jwk.construct(self.public_key, ALGORITHM).to_dict(), "kid": self.kid}]
        }
        self.jwks_url = ""

    def token(self, user_id: UUID, *, kind: str = ACCESS_TOKEN, **changes: Any) -> str:
        """Return a valid token, except for the claims in `changes`."""
        now = int(time.time())
        claims = {
            "iss": "quire-auth",
            "aud": "quire",
            "sub": str(user_id),
            "sid": str(uuid4()),
            "jti": uuid4().hex,
            "iat": now,
            "exp": now + 600,
            "ver": 0,
            "permissions": sorted(OWN),
        }
        headers = {"typ": kind, "kid": self.kid}
        return jwt.encode({**claims, **changes}, self.private_key, ALGORITHM, headers=headers)

    def headers(self, user_id: UUID) -> dict[str, str]:
        """Return the headers of a signed-in user's request."""
        return {"Authorization": f"Bearer {self.token(user_id)}"}


@pytest.fixture(scope="session")
async def issuer() -> AsyncIterator[TokenIssuer]:
    """Return a token issuer whose keys are really served, at `jwks_url`."""
    issuer = TokenIssuer()
    app = FastAPI()
    app.get("/jwks.json")(lambda: issuer.jwks)
    async with serving(app) as url:
        issuer.jwks_url = f"{url}/jwks.json"
        yield issuer


async def _started(server: uvicorn.Server, task: "asyncio.Task[None]") -> bool:
    if task.done():
        await task
    return server.started


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
