"""What happens to one account at the same moment: nothing breaks, and nobody slips through."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import sqlalchemy as sa
from auth.sessions.models import UserSession
from auth.users.models import User
from common.database import Sessions
from common.testing import eventually

ReadProblem = Callable[[httpx.Response], tuple[int, str]]


async def one_waits(sessions: Sessions) -> None:
    """Return as soon as somebody waits for a lock in the database."""

    async def waits() -> bool:
        query = sa.text(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        async with sessions() as session:
            return bool(await session.scalar(query))

    await eventually(waits)


async def test_whoever_refreshes_while_the_account_goes_is_refused(
    person: Any, sessions: Sessions, problem: ReadProblem
) -> None:
    """Whoever deletes holds the session and wants its tokens: the other way round is a deadlock."""
    token = (await person.login())["refresh_token"]
    owner = UUID(person.user["id"])
    async with sessions() as deleting:
        mine = sa.select(UserSession).where(UserSession.user_id == owner)
        await deleting.execute(mine.with_for_update(key_share=True))
        refreshing = asyncio.create_task(person.refresh(token))
        await one_waits(sessions)
        await deleting.execute(sa.delete(User).where(User.id == owner))
        await deleting.commit()

    assert problem(await refreshing) == (401, "invalid-refresh-token")


async def test_nothing_breaks_when_much_happens_to_an_account_at_once(
    person: Any, mailed: Any
) -> None:
    """Each locks some of what the others lock: in another order they would wait for ever."""
    email, client = person.user["email"], person.client
    signed_in = [await person.login() for _ in range(10)]
    token = signed_in[0]["access_token"]
    new = {"password": "Another-Horse-8", "password_confirm": "Another-Horse-8"}
    password = {"password": person.password}
    await client.post("/api/v1/auth/password/reset-request", json={"email": email})
    (verification,) = await mailed("user.registered", email)
    (reset,) = await mailed("user.password_reset_requested", email)
    answers = await asyncio.gather(
        client.post("/api/v1/auth/email/verify", json={"token": verification}),
        client.post("/api/v1/auth/password/reset", json={"token": reset, **new}),
        person.call("PATCH", "/me", token, json={"last_name": "King"}),
        person.call("POST", "/mfa/totp", token, json=password),
        person.call("POST", "/email/change", token, json={"email": f"x{email}", **password}),
        *(person.refresh(tokens["refresh_token"]) for tokens in signed_in),
        person.call("POST", "/logout-all", token),
        person.call("DELETE", "/me", token, json=password),
    )

    assert {answer.status_code for answer in answers} <= {200, 202, 204, 401, 403, 422}


async def test_who_signs_in_while_the_password_is_replaced_needs_the_new_one(
    person: Any, register: Any, sessions: Sessions, problem: ReadProblem
) -> None:
    """The old password is checked, and right, before the new one is committed."""

    another = await register(password="Another-Horse-8")
    body = {"username": person.user["username"], "password": person.password}
    async with sessions() as replacing:
        new = sa.select(User.password_hash).where(User.id == another.user["id"])
        mine = sa.update(User).where(User.id == person.user["id"])
        await replacing.execute(mine.values(password_hash=new.scalar_subquery()))
        signing_in = asyncio.create_task(person.client.post("/api/v1/auth/login", json=body))
        await one_waits(sessions)
        await replacing.commit()

    assert problem(await signing_in) == (401, "invalid-credentials")
