"""What the auth tests share: a migrated database, a running api, and people with accounts."""

import ipaddress
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from auth.__main__ import MIGRATIONS
from auth.app import create_api
from auth.keyring.keyring import Keyring
from auth.links.service import LinkService
from auth.roles.repository import RoleRepository
from auth.settings import ApiSettings
from common.database import Sessions, open_database, transaction
from common.outbox import outbox
from common.settings import StorageSettings
from common.testing import MakeDatabase, serving
from contracts import EmailLinkRequested
from cryptography.fernet import Fernet
from jose import jwt
from pydantic import SecretStr

PASSWORD = "Correct-Horse-7"


@dataclass(frozen=True)
class Person:
    """Somebody with an account, and how they talk to the api."""

    client: httpx.AsyncClient
    user: dict[str, Any]
    password: str

    async def login(self) -> dict[str, Any]:
        body = {"username": self.user["username"], "password": self.password}
        response = await self.client.post("/api/v1/auth/login", json=body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def refresh(self, refresh_token: str) -> httpx.Response:
        body = {"refresh_token": refresh_token}
        return await self.client.post("/api/v1/auth/refresh", json=body)

    async def call(self, method: str, path: str, token: str, **sent: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", **sent.pop("headers", {})}
        return await self.client.request(method, f"/api/v1/auth{path}", headers=headers, **sent)


@dataclass
class Member:
    """Somebody who is signed in, and sends the access token that they have now."""

    person: Person
    tokens: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.person.user["id"])

    @property
    def claims(self) -> dict[str, Any]:
        return jwt.get_unverified_claims(self.tokens["access_token"])

    async def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        return await self.person.client.request(
            method, f"/api/v1{path}", headers=headers, json=body
        )

    async def refresh(self) -> httpx.Response:
        """Use the refresh token; if that works, go on with what it brings."""
        response = await self.person.refresh(self.tokens["refresh_token"])
        if response.status_code == 200:
            self.tokens = response.json()
        return response

    async def is_refused(self) -> bool:
        """Tell whether the access token is refused, although it has not run out."""
        response = await self.ask("GET", "/auth/me")
        assert response.status_code in (200, 401), response.text
        return response.status_code == 401


def make_registration(**changes: Any) -> dict[str, Any]:
    name = f"p{uuid4().hex[:12]}"
    password = changes.get("password", PASSWORD)
    valid = {
        "email": f"{name}@example.com",
        "username": name,
        "password": password,
        "password_confirm": password,
    }
    return {**valid, **changes}


def read_problem(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json", response.text
    body = response.json()
    assert body["status"] == response.status_code
    assert body["request_id"] == response.headers["x-request-id"] != ""
    assert body["instance"] == response.request.url.path
    slug = body["type"].removeprefix("urn:quire:problem:")
    challenged = response.status_code == 401 or slug == "insufficient-permission"
    assert ("www-authenticate" in response.headers) == challenged
    return response.status_code, slug


@pytest.fixture(scope="session")
async def database_url(make_database: MakeDatabase) -> str:
    return await make_database(MIGRATIONS)


@pytest.fixture(scope="session")
async def sessions(database_url: str) -> AsyncIterator[Sessions]:
    async with open_database(database_url) as (_, sessions):
        yield sessions


@pytest.fixture(scope="session")
def settings(
    database_url: str, infrastructure: Any, storage_settings: StorageSettings
) -> ApiSettings:
    """Settings of cheap passwords."""
    return ApiSettings.model_validate(
        {
            "port": 1,
            "database_url": database_url,
            "redis_url": infrastructure.redis_url,
            **storage_settings.model_dump(),
            "link_sealing_key": Fernet.generate_key().decode(),
            "key_encryption_key": Fernet.generate_key().decode(),
            "argon2_memory_kib": 64,
            "argon2_rounds": 1,
        }
    )


@pytest.fixture(scope="module")
async def own_settings(make_database: MakeDatabase, settings: ApiSettings) -> ApiSettings:
    """Settings of an api with a database that only this module uses."""
    own = SecretStr(await make_database(MIGRATIONS))
    return settings.model_copy(update={"database_url": own})


@pytest.fixture(scope="session")
async def keyring(sessions: Sessions, settings: ApiSettings) -> Keyring:
    keyring = Keyring(sessions, settings.vault)
    await keyring.open()
    return keyring


@pytest.fixture(scope="session")
async def url(settings: ApiSettings) -> AsyncIterator[str]:
    async with serving(create_api(settings)) as url:
        yield url


def make_address() -> str:
    """Return an address that no other test has: each counts its own failures."""
    return str(ipaddress.IPv6Address(secrets.randbits(61) << 64 | 0x2001 << 112 | 1))


@pytest.fixture(scope="session")
def new_address() -> Callable[[], str]:
    """Return a maker of addresses that no other test has."""
    return make_address


@pytest.fixture
async def client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    # The server closes a connection that idles for 5 s; httpx would use it just as long, and on a
    # busy machine send a request into one that is being closed.
    limits = httpx.Limits(keepalive_expiry=1)
    headers = {"X-Forwarded-For": make_address()}
    async with httpx.AsyncClient(
        base_url=url, timeout=60, limits=limits, headers=headers
    ) as client:
        yield client


@pytest.fixture(scope="session")
def registration() -> Callable[..., dict[str, Any]]:
    """Return bodies of registrations that would succeed, except for the changes."""
    return make_registration


@pytest.fixture(scope="session")
def problem() -> Callable[[httpx.Response], tuple[int, str]]:
    """Return the status and the name of a problem that is a whole problem document."""
    return read_problem


@pytest.fixture
def register(client: httpx.AsyncClient) -> Callable[..., Awaitable[Person]]:
    """Open an account."""

    async def register(**changes: Any) -> Person:
        body = make_registration(**changes)
        response = await client.post("/api/v1/auth/register", json=body)
        assert response.status_code == 201, response.text
        return Person(client, response.json(), body["password"])

    return register


@pytest.fixture
async def person(register: Callable[..., Awaitable[Person]]) -> Person:
    return await register()


@pytest.fixture
def enroll(
    register: Callable[..., Awaitable[Person]], sessions: Sessions
) -> Callable[..., Awaitable[Member]]:
    """Open an account, give it roles without asking anybody, as `create-admin` does; sign in."""

    async def enroll(*roles: str, **changes: Any) -> Member:
        person = await register(**changes)
        async with transaction(sessions) as session:
            for role in roles:
                assert await RoleRepository(session).grant(UUID(person.user["id"]), role)
        return Member(person, await person.login())

    return enroll


@pytest.fixture(scope="session")
def recorded(sessions: Sessions) -> Callable[[str, Person], Awaitable[list[dict[str, Any]]]]:
    """Return the data of the events of a name about a person, the oldest first."""

    async def recorded(name: str, person: Person) -> list[dict[str, Any]]:
        query = (
            sa.select(outbox.c.data)
            .where(
                outbox.c.routing_key == name, outbox.c.data["user_id"].astext == person.user["id"]
            )
            .order_by(outbox.c.position)
        )
        async with sessions() as session:
            return list(await session.scalars(query))

    return recorded


@pytest.fixture(scope="session")
def mailed(sessions: Sessions, settings: ApiSettings) -> Callable[[str, str], Awaitable[list[str]]]:
    """Return the secrets of all links of a kind that were mailed to an address, oldest first.

    What was asked for is answered before, with what the worker's queue leads to.
    """

    async def mailed(name: str, email: str) -> list[str]:
        asked = sa.delete(outbox).where(
            outbox.c.routing_key == EmailLinkRequested.name,
            sa.func.lower(outbox.c.data["email"].astext) == email.lower(),
        )
        query = (
            sa.select(outbox.c.data)
            .where(
                outbox.c.routing_key == name,
                sa.func.lower(outbox.c.data["recipient"]["email"].astext) == email.lower(),
            )
            .order_by(outbox.c.position)
        )
        async with transaction(sessions) as session:
            for data in (await session.scalars(asked.returning(outbox.c.data))).all():
                event = EmailLinkRequested.model_validate(data)
                await LinkService(session, settings.seal).answer(event)
            events = (await session.scalars(query)).all()
        return [settings.seal.decrypt(data["sealed_link"]).decode() for data in events]

    return mailed
