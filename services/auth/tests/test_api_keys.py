"""API keys: who can have which."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from auth.api_keys.models import ApiKey
from auth.base import now
from auth.roles.models import UserRole
from common.database import Sessions, transaction

ReadProblem = Callable[[httpx.Response], tuple[int, str]]

SCOPES = ["documents:read", "ocr:run"]


@pytest.fixture
async def token(person: Any) -> str:
    return str((await person.login())["access_token"])


async def create(person: Any, token: str, **changes: Any) -> httpx.Response:
    body = {"name": "backup", "scopes": SCOPES, **changes}
    answer: httpx.Response = await person.call("POST", "/api-keys", token, json=body)
    return answer


async def become(sessions: Sessions, person: Any, role: str) -> None:
    async with transaction(sessions) as session:
        mine = sa.update(UserRole).where(UserRole.user_id == person.user["id"])
        await session.execute(mine.values(role=role))


async def test_a_key_is_shown_once_and_kept_as_a_digest(
    person: Any, token: str, sessions: Sessions
) -> None:
    expires = (now() + timedelta(days=1)).isoformat()
    created = await create(person, token, name=" nightly backup ", expires_at=expires)
    key = created.json()
    assert created.status_code == 201
    assert created.headers["cache-control"] == "no-store"
    assert key["key"].startswith(key["prefix"])
    assert len(key["key"]) >= len("quire_") + 43
    assert (key["name"], key["scopes"], key["last_used_at"]) == ("nightly backup", SCOPES, None)

    later = (await create(person, token)).json()
    listed = await person.call("GET", "/api-keys", token)
    shown = [{name: each[name] for name in each if name != "key"} for each in (later, key)]
    assert listed.json() == shown
    async with sessions() as session:
        rows = (await session.scalars(sa.text("SELECT k::text FROM api_keys k"))).all()
    assert key["id"] in "\n".join(rows)
    for secret in (key["key"], key["key"].removeprefix("quire_")):
        assert secret not in "\n".join(rows)
        assert secret.encode().hex() not in "\n".join(rows)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"scopes": ["users:read"]}, "/body/scopes"),
        ({"scopes": ["documents:read", "audit:read"]}, "/body/scopes"),
        ({"scopes": ["everything"]}, "/body/scopes"),
        ({"scopes": []}, "/body/scopes"),
        ({"scopes": None}, "/body/scopes"),
        ({"name": ""}, "/body/name"),
        ({"name": "a\0"}, "/body/name"),
        ({"name": "x" * 101}, "/body/name"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/body/expires_at"),
        ({"expires_at": "2099-01-01T00:00:00"}, "/body/expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, "/body/expires_at"),
        ({"user_id": str(UUID(int=1))}, "/body/user_id"),
        ({"key": "quire_mine"}, "/body/key"),
    ],
    ids=str,
)
async def test_what_is_no_key_is_refused(
    person: Any, token: str, problem: ReadProblem, changes: dict[str, Any], pointer: str
) -> None:
    refused = await create(person, token, **changes)

    assert problem(refused) == (422, "invalid-input")
    assert all(error["pointer"].startswith(pointer) for error in refused.json()["errors"])


async def test_nobody_gives_a_key_what_they_may_not_themselves(
    person: Any, token: str, problem: ReadProblem, sessions: Sessions
) -> None:
    await become(sessions, person, "guest")

    assert problem(await create(person, token)) == (403, "exceeds-own-permissions")
    assert (await create(person, token, scopes=["documents:read"])).status_code == 201


async def test_nobody_has_more_than_a_hundred_keys(
    person: Any, token: str, problem: ReadProblem, sessions: Sessions
) -> None:
    async with transaction(sessions) as session:
        for _ in range(99):
            key = ApiKey(user_id=UUID(person.user["id"]), name="one of many", scopes=SCOPES)
            key.renew()
            session.add(key)
    answers = await asyncio.gather(*(create(person, token) for _ in range(6)))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 5}
    refused = await create(person, token)
    assert problem(refused) == (409, "too-many-api-keys")
    one = next(answer.json()["id"] for answer in answers if answer.status_code == 201)
    await person.call("DELETE", f"/api-keys/{one}", token)
    assert (await create(person, token)).status_code == 201
