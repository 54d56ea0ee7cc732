"""What the auth tests share: a migrated database, a running api, and people with accounts."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from auth.__main__ import MIGRATIONS
from auth.app import create_api
from auth.keys import Keyring, open_keyring
from auth.settings import ApiSettings
from common.database import Sessions, open_database
from common.testing import MakeDatabase, serving
from cryptography.fernet import Fernet

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

    async def call(self, method: str, path: str, token: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return await self.client.request(method, f"/api/v1/auth{path}", headers=headers)


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
    assert ("www-authenticate" in response.headers) == (response.status_code == 401)
    return response.status_code, body["type"].removeprefix("urn:quire:problem:")


@pytest.fixture(scope="session")
async def database_url(make_database: MakeDatabase) -> str:
    return await make_database(MIGRATIONS)


@pytest.fixture(scope="session")
async def sessions(database_url: str) -> AsyncIterator[Sessions]:
    async with open_database(database_url) as (_, sessions):
        yield sessions


@pytest.fixture(scope="session")
async def settings(database_url: str) -> AsyncIterator[ApiSettings]:
    """Settings of cheap passwords, and of keys that are really served, by a second replica."""
    settings = ApiSettings.model_validate(
        {
            "port": 1,
            "database_url": database_url,
            "jwks_url": "http://127.0.0.1:9/none",
            "key_encryption_key": Fernet.generate_key().decode(),
            "argon2_memory_kib": 64,
            "argon2_rounds": 1,
        }
    )
    async with serving(create_api(settings)) as url:
        yield settings.model_copy(update={"jwks_url": f"{url}/.well-known/jwks.json"})


@pytest.fixture(scope="session")
async def keyring(sessions: Sessions, settings: ApiSettings) -> Keyring:
    return await open_keyring(sessions, settings.key_encryption_key)


@pytest.fixture(scope="session")
async def client(settings: ApiSettings) -> AsyncIterator[httpx.AsyncClient]:
    # The server closes a connection that idles for 5 s; httpx would use it just as long, and on a
    # busy machine send a request into one that is being closed.
    limits = httpx.Limits(keepalive_expiry=1)
    async with (
        serving(create_api(settings)) as url,
        httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client,
    ):
        yield client


@pytest.fixture(scope="session")
def registration() -> Callable[..., dict[str, Any]]:
    """Return bodies of registrations that would succeed, except for the changes."""
    return make_registration


@pytest.fixture(scope="session")
def problem() -> Callable[[httpx.Response], tuple[int, str]]:
    """Return the status and the name of a problem that is a whole problem document."""
    return read_problem


@pytest.fixture(scope="session")
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
