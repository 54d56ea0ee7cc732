"""API keys in use: exchanged for tokens, replaced and revoked."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa
from auth.api_keys.models import ApiKey
from auth.base import now
from auth.roles.models import UserRole
from auth.users.models import User
from common.database import Sessions, transaction
from common.testing import eventually
from jose import jwt

ReadProblem = Callable[[httpx.Response], tuple[int, str]]

SCOPES = ["documents:read", "ocr:run"]
INVALID = (401, "invalid-api-key")
NOT_FOUND = (404, "api-key-not-found")


@pytest.fixture
async def token(person: Any) -> str:
    return str((await person.login())["access_token"])


async def create(person: Any, token: str, **changes: Any) -> httpx.Response:
    body = {"name": "backup", "scopes": SCOPES, **changes}
    answer: httpx.Response = await person.call("POST", "/api-keys", token, json=body)
    return answer


async def rotate(person: Any, token: str, key_id: str, overlap: int = 0) -> httpx.Response:
    body = {"overlap_seconds": overlap} if overlap else None
    path = f"/api-keys/{key_id}/rotate"
    answer: httpx.Response = await person.call("POST", path, token, json=body)
    return answer


async def exchange(person: Any, key: str) -> httpx.Response:
    answer: httpx.Response = await person.client.post("/internal/token", json={"api_key": key})
    return answer


async def become(sessions: Sessions, person: Any, role: str) -> None:
    async with transaction(sessions) as session:
        mine = sa.update(UserRole).where(UserRole.user_id == person.user["id"])
        await session.execute(mine.values(role=role))


async def change(sessions: Sessions, key_id: str, **values: Any) -> None:
    async with transaction(sessions) as session:
        await session.execute(sa.update(ApiKey).where(ApiKey.id == key_id).values(**values))


async def test_a_key_brings_a_token_with_what_both_may(
    person: Any, token: str, sessions: Sessions
) -> None:
    key = (await create(person, token)).json()
    exchanged = await exchange(person, key["key"])
    claims = jwt.get_unverified_claims(exchanged.json()["access_token"])
    assert exchanged.headers["cache-control"] == "no-store"
    assert exchanged.json()["expires_in"] == claims["exp"] - claims["iat"] == 60
    assert (claims["sub"], claims["sid"]) == (person.user["id"], key["id"])
    assert (claims["permissions"], claims["api_key"]) == (SCOPES, True)
    assert "roles" not in claims

    await become(sessions, person, "guest")
    fewer = (await exchange(person, key["key"])).json()["access_token"]
    assert jwt.get_unverified_claims(fewer)["permissions"] == ["documents:read"]


async def test_it_shows_when_a_key_was_last_used(
    person: Any, token: str, sessions: Sessions
) -> None:
    key = (await create(person, token)).json()

    async def last_used() -> Any:
        return (await person.call("GET", "/api-keys", token)).json()[0]["last_used_at"]

    await exchange(person, key["key"])
    first = await last_used()
    assert first is not None
    await exchange(person, key["key"])
    assert await last_used() == first  # not a write for every request
    await change(sessions, key["id"], last_used_at=now() - timedelta(minutes=2))
    await exchange(person, key["key"])
    assert await last_used() > first


async def test_whatever_is_wrong_with_a_key_the_answer_is_the_same(
    person: Any, token: str, problem: ReadProblem, sessions: Sessions
) -> None:
    expired, revoked, orphan = [(await create(person, token)).json() for _ in range(3)]
    await change(sessions, expired["id"], expires_at=now())
    await person.call("DELETE", f"/api-keys/{revoked['id']}", token)
    refusals = [
        await exchange(person, key)
        for key in ("quire_unknown", "é\0", expired["key"], revoked["key"])
    ]
    async with transaction(sessions) as session:
        off = sa.update(User).where(User.id == person.user["id"]).values(is_active=False)
        await session.execute(off)
    refusals.append(await exchange(person, orphan["key"]))

    assert {problem(refusal) for refusal in refusals} == {INVALID}
    assert len({str({**each.json(), "request_id": ""}) for each in refusals}) == 1
    listed = (await person.call("GET", "/api-keys", token)).json()
    assert {each["last_used_at"] for each in listed} == {None}


async def test_a_rotation_replaces_a_key_at_once_or_after_an_overlap(
    person: Any, token: str, problem: ReadProblem, sessions: Sessions
) -> None:
    first = (await create(person, token)).json()
    second = (await rotate(person, token, first["id"])).json()
    assert {**second, "key": "", "prefix": ""} == {**first, "key": "", "prefix": ""}
    assert second["key"] != first["key"]
    assert problem(await exchange(person, first["key"])) == INVALID

    third = (await rotate(person, token, first["id"], overlap=3600)).json()
    for works in (second, third):
        assert (await exchange(person, works["key"])).status_code == 200
    await change(sessions, first["id"], previous_expires_at=now())
    assert problem(await exchange(person, second["key"])) == INVALID
    assert (await exchange(person, third["key"])).status_code == 200


async def test_a_rotation_without_overlap_ends_every_earlier_key(
    person: Any, token: str, problem: ReadProblem
) -> None:
    """Whoever rotates at once does it because something has leaked."""
    first = (await create(person, token)).json()
    second = (await rotate(person, token, first["id"], overlap=3600)).json()
    third = (await rotate(person, token, first["id"])).json()

    for leaked in (first, second):
        assert problem(await exchange(person, leaked["key"])) == INVALID
    assert (await exchange(person, third["key"])).status_code == 200


@pytest.mark.parametrize("overlap", [-1, 7 * 24 * 3600 + 1, "long"])
async def test_an_overlap_has_limits(
    person: Any, token: str, problem: ReadProblem, overlap: Any
) -> None:
    key = (await create(person, token)).json()
    refused = await rotate(person, token, key["id"], overlap)

    assert problem(refused) == (422, "invalid-input")
    assert (await exchange(person, key["key"])).status_code == 200


async def test_a_revoked_key_is_refused_and_so_are_its_tokens(
    person: Any, token: str, problem: ReadProblem
) -> None:
    key, other = [(await create(person, token)).json() for _ in range(2)]
    out = (await exchange(person, key["key"])).json()["access_token"]
    kept = (await exchange(person, other["key"])).json()["access_token"]
    assert (await person.call("GET", "/me", out)).json() == person.user
    revoked = await person.call("DELETE", f"/api-keys/{key['id']}", token)
    assert (revoked.status_code, revoked.content) == (204, b"")

    async def refused() -> bool:
        return problem(await person.call("GET", "/me", out)) == (401, "unauthorized")

    await eventually(refused, within=5)
    assert problem(await exchange(person, key["key"])) == INVALID
    for bearer in (kept, token):
        assert (await person.call("GET", "/me", bearer)).json() == person.user
    listed = (await person.call("GET", "/api-keys", token)).json()
    assert [each["id"] for each in listed] == [other["id"]]


async def test_the_key_of_another_is_as_unknown_as_one_that_never_was(
    register: Any, problem: ReadProblem
) -> None:
    ada, bob = await register(), await register()
    key = (await create(ada, (await ada.login())["access_token"])).json()
    bobs = (await bob.login())["access_token"]
    for unknown in (key["id"], str(uuid4())):
        for method, path in (("POST", f"{unknown}/rotate"), ("DELETE", unknown)):
            refused = await bob.call(method, f"/api-keys/{path}", bobs)
            assert problem(refused) == NOT_FOUND

    assert (await bob.call("GET", "/api-keys", bobs)).json() == []
    assert (await exchange(ada, key["key"])).status_code == 200
