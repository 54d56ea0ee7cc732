"""Refresh tokens: each works once, and one that comes twice ends the session."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from auth.base import now
from auth.sessions.models import UserSession
from common.database import Sessions, transaction
from jose import jwt

ReadProblem = Callable[[httpx.Response], tuple[int, str]]


def session_of(tokens: dict[str, Any]) -> UUID:
    return UUID(jwt.get_unverified_claims(tokens["access_token"])["sid"])


async def test_each_refresh_brings_a_new_pair_of_the_same_session(person: Any) -> None:
    pairs = [await person.login()]
    for _ in range(3):
        response = await person.refresh(pairs[-1]["refresh_token"])
        assert response.headers["cache-control"] == "no-store"
        pairs.append(response.json())

    assert len({pair["refresh_token"] for pair in pairs}) == 4
    assert len({pair["access_token"] for pair in pairs}) == 4
    assert len({session_of(pair) for pair in pairs}) == 1
    me = await person.call("GET", "/me", pairs[-1]["access_token"])
    assert me.json() == person.user


async def test_a_spent_token_ends_the_session_the_newest_token_included(
    person: Any, problem: ReadProblem
) -> None:
    first = await person.login()
    second = (await person.refresh(first["refresh_token"])).json()
    third = (await person.refresh(second["refresh_token"])).json()
    elsewhere = await person.login()

    reused = await person.refresh(first["refresh_token"])
    newest = await person.refresh(third["refresh_token"])
    assert problem(reused) == (401, "refresh-token-reused")
    assert problem(newest) == (401, "session-ended")
    assert (await person.refresh(elsewhere["refresh_token"])).status_code == 200


async def test_of_50_refreshes_at_once_one_succeeds_and_the_session_ends(
    person: Any, problem: ReadProblem
) -> None:
    token = (await person.login())["refresh_token"]
    responses = await asyncio.gather(*(person.refresh(token) for _ in range(50)))

    won = [response for response in responses if response.status_code == 200]
    lost = Counter(problem(response) for response in responses if response not in won)
    assert len(won) == 1
    assert lost == {(401, "refresh-token-reused"): 49}
    newest = await person.refresh(won[0].json()["refresh_token"])
    assert problem(newest) == (401, "session-ended")


async def test_a_session_ends_however_often_it_is_refreshed(
    person: Any, problem: ReadProblem, sessions: Sessions
) -> None:
    tokens = await person.login()
    async with transaction(sessions) as session:
        before = await session.get_one(UserSession, session_of(tokens))
    tokens = (await person.refresh(tokens["refresh_token"])).json()
    async with transaction(sessions) as session:
        after = await session.get_one(UserSession, session_of(tokens))
        assert after.expires_at == before.expires_at == before.created_at + timedelta(days=30)
        after.expires_at = now()

    for _ in range(2):  # the refused request has not spent the token
        refused = await person.refresh(tokens["refresh_token"])
        assert problem(refused) == (401, "session-ended")


async def test_logout_ends_this_session_only(person: Any, problem: ReadProblem) -> None:
    here, elsewhere = await person.login(), await person.login()
    for _ in range(2):
        response = await person.call("POST", "/logout", here["access_token"])
        assert (response.status_code, response.content) == (204, b"")

    assert problem(await person.refresh(here["refresh_token"])) == (401, "session-ended")
    assert (await person.refresh(elsewhere["refresh_token"])).status_code == 200


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"refresh_token": "never-issued"}, (401, "invalid-refresh-token")),
        ({"refresh_token": "é\0"}, (401, "invalid-refresh-token")),
        ({"refresh_token": ""}, (422, "invalid-input")),
        ({"refresh_token": "x" * 513}, (422, "invalid-input")),
        ({"refresh_token": None}, (422, "invalid-input")),
        ({}, (422, "invalid-input")),
        ({"refresh_token": "x", "user_id": "y"}, (422, "invalid-input")),
    ],
    ids=str,
)
async def test_what_was_never_issued_is_refused(
    client: httpx.AsyncClient, problem: ReadProblem, body: Any, answer: tuple[int, str]
) -> None:
    assert problem(await client.post("/api/v1/auth/refresh", json=body)) == answer


async def test_an_access_token_is_no_refresh_token(person: Any, problem: ReadProblem) -> None:
    tokens = await person.login()
    answer = await person.refresh(tokens["access_token"])

    assert problem(answer) in {(401, "invalid-refresh-token"), (422, "invalid-input")}


async def test_tokens_go_with_the_account(person: Any, sessions: Sessions) -> None:
    await person.login()
    async with transaction(sessions) as session:
        await session.execute(
            sa.text("DELETE FROM users WHERE id = :id"), {"id": UUID(person.user["id"])}
        )
        left = await session.scalar(
            sa.select(sa.func.count())
            .select_from(UserSession)
            .where(UserSession.user_id == UUID(person.user["id"]))
        )

    assert left == 0
