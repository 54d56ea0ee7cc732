"""What a login costs, and whom it keeps waiting."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from auth.app import create_api
from auth.settings import ApiSettings
from common.testing import serving

LOGIN = "/api/v1/auth/login"
WRONG = "Wrong-Horse-7"


@pytest.fixture(scope="module")
async def costly(settings: ApiSettings, new_address: Any) -> AsyncIterator[httpx.AsyncClient]:
    """An api whose passwords cost about 0.1 s each, on one thread."""
    cost = {"argon2_memory_kib": 64 << 10, "argon2_rounds": 2, "hashing_threads": 1}
    async with (
        serving(create_api(settings.model_copy(update=cost))) as url,
        httpx.AsyncClient(
            base_url=url, timeout=60, headers={"X-Forwarded-For": new_address()}
        ) as client,
    ):
        yield client


async def open_account(client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, str]:
    """Return the right credentials of a new account."""
    await client.post("/api/v1/auth/register", json=body)
    return {"username": body["username"], "password": body["password"]}


async def test_logins_keep_nobody_else_waiting(
    costly: httpx.AsyncClient, registration: Any
) -> None:
    """Thirty logins are more than threads, and more than connections to the database."""
    people = [await open_account(costly, registration()) for _ in range(30)]
    token = (await costly.post(LOGIN, json=people[0])).json()["access_token"]
    logins = [asyncio.create_task(costly.post(LOGIN, json=person)) for person in people]
    for _ in range(5):
        me = await costly.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
        assert me.status_code == 200
    waiting = sum(not login.done() for login in logins)

    assert {response.status_code for response in await asyncio.gather(*logins)} == {200}
    assert waiting > 10
