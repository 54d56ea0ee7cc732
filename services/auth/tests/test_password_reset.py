"""A new password, by a mailed link or with the old one, and who is signed out by it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from auth.app import create_api
from auth.links.models import EmailLink
from auth.opaque import digest
from auth.settings import ApiSettings
from auth.users.models import User
from common.database import Sessions, transaction
from common.testing import serving

ReadProblem = Callable[[httpx.Response], tuple[int, str]]

API = "/api/v1/auth"
RESET = "user.password_reset_requested"
OLD, NEW = "Correct-Horse-7", "Another-Horse-8"
WRONG = "Wrong-Horse-9"


async def login(person: Any, password: str, **headers: str) -> httpx.Response:
    body = {"username": person.user["username"], "password": password}
    answer: httpx.Response = await person.client.post(f"{API}/login", json=body, headers=headers)
    return answer


async def reset(person: Any, token: str, password: str = NEW) -> httpx.Response:
    body = {"token": token, "password": password, "password_confirm": password}
    answer: httpx.Response = await person.client.post(f"{API}/password/reset", json=body)
    return answer


async def change(person: Any, token: str, old: str, new: str) -> httpx.Response:
    body = {"current_password": old, "password": new, "password_confirm": new}
    answer: httpx.Response = await person.call("POST", "/password/change", token, json=body)
    return answer


@pytest.fixture
def link(person: Any, mailed: Any) -> Callable[[], Any]:
    """Have a link to a new password mailed and return its secret."""

    async def link() -> str:
        body = {"email": person.user["email"]}
        await person.client.post(f"{API}/password/reset-request", json=body)
        return str((await mailed(RESET, person.user["email"]))[-1])

    return link


async def test_a_reset_sets_the_password_and_ends_all_sessions(
    person: Any, link: Any, recorded: Any, problem: ReadProblem
) -> None:
    here, elsewhere = await person.login(), await person.login()
    first, second = await link(), await link()

    answer = await reset(person, second)
    assert (answer.status_code, answer.content) == (204, b"")
    assert problem(await login(person, OLD)) == (401, "invalid-credentials")
    assert (await login(person, NEW)).status_code == 200
    for signed_in in (here, elsewhere):
        refused = await person.refresh(signed_in["refresh_token"])
        assert problem(refused) == (401, "session-ended")

    for used in (first, second):
        assert problem(await reset(person, used)) == (422, "invalid-link")
    (event,) = await recorded("user.password_changed", person)
    assert event["recipient"]["email"] == person.user["email"]
    ended = Counter(each["reason"] for each in await recorded("session.revoked", person))
    assert ended == {"password_changed": 2}


async def test_a_weak_password_leaves_the_link_as_it_was(
    person: Any, link: Any, problem: ReadProblem
) -> None:
    tokens, secret = await person.login(), await link()
    for weak in ("short", person.user["username"] + "-A1"):
        assert problem(await reset(person, secret, weak)) == (422, "weak-password")
    assert (await person.refresh(tokens["refresh_token"])).status_code == 200

    assert (await reset(person, secret)).status_code == 204


async def test_a_reset_link_lives_for_an_hour(
    person: Any, link: Any, sessions: Sessions, problem: ReadProblem
) -> None:
    secret = await link()
    async with transaction(sessions) as session:
        found = await session.get_one(EmailLink, digest(secret))
        assert 3599 < (found.expires_at - found.issued_at).total_seconds() < 3601
        found.expires_at = found.issued_at

    assert problem(await reset(person, secret)) == (422, "invalid-link")


async def test_of_many_resets_with_one_link_one_succeeds(person: Any, link: Any) -> None:
    secret = await link()
    passwords = [f"{NEW}{number}" for number in range(10)]
    answers = await asyncio.gather(*(reset(person, secret, each) for each in passwords))

    assert Counter(answer.status_code for answer in answers) == {204: 1, 422: 9}
    won = passwords[[answer.status_code for answer in answers].index(204)]
    assert (await login(person, won)).status_code == 200


async def test_a_reset_ends_the_waiting_wherever_the_owner_is(
    person: Any, link: Any, problem: ReadProblem, new_address: Any
) -> None:
    home = new_address()
    await login(person, OLD, **{"X-Forwarded-For": home})
    for address in (home, new_address()):
        for _ in range(5):
            await login(person, WRONG, **{"X-Forwarded-For": address})
        waits = await login(person, OLD, **{"X-Forwarded-For": address})
        assert problem(waits) == (429, "too-many-attempts")

    secret = await link()
    body = {"token": secret, "password": NEW, "password_confirm": NEW}
    headers = {"X-Forwarded-For": home}
    await person.client.post(f"{API}/password/reset", json=body, headers=headers)
    for address in (home, new_address()):
        signed_in = await login(person, NEW, **{"X-Forwarded-For": address})
        assert signed_in.status_code == 200


async def test_a_change_keeps_this_session_and_ends_the_others(
    person: Any, recorded: Any, link: Any, problem: ReadProblem
) -> None:
    here, elsewhere = await person.login(), await person.login()
    token, mailed = here["access_token"], await link()

    assert problem(await change(person, token, WRONG, NEW)) == (403, "wrong-password")
    assert problem(await change(person, token, OLD, "short")) == (422, "weak-password")
    assert await recorded("session.revoked", person) == []
    assert (await change(person, token, OLD, NEW)).status_code == 204

    assert (await person.call("GET", "/me", token)).json() == person.user
    assert (await person.refresh(here["refresh_token"])).status_code == 200
    ended = await person.refresh(elsewhere["refresh_token"])
    assert problem(ended) == (401, "session-ended")
    assert (await login(person, NEW)).status_code == 200
    assert problem(await reset(person, mailed)) == (422, "invalid-link")
    assert len(await recorded("user.password_changed", person)) == 1


async def test_of_many_changes_with_the_old_password_one_succeeds(person: Any) -> None:
    tokens = [(await person.login())["access_token"] for _ in range(4)]
    passwords = [f"{NEW}{number}" for number in range(4)]
    answers = await asyncio.gather(
        *(change(person, token, OLD, new) for token, new in zip(tokens, passwords, strict=True))
    )

    # Who came too late did so with what is no password any more, or in a session that had ended.
    assert min(answer.status_code for answer in answers) == 204
    assert {answer.status_code for answer in answers if answer.status_code != 204} <= {401, 403}
    statuses = [(await login(person, each)).status_code for each in passwords]
    assert statuses == [200 if answer.status_code == 204 else 401 for answer in answers]


async def test_a_change_waits_after_wrong_passwords_and_nobody_else_does(
    person: Any, problem: ReadProblem
) -> None:
    token = (await person.login())["access_token"]
    answers = [await change(person, token, WRONG, NEW) for _ in range(6)]

    assert [problem(answer) for answer in answers] == [
        *[(403, "wrong-password")] * 5,
        (429, "too-many-attempts"),
    ]
    waits = await change(person, token, OLD, NEW)
    assert problem(waits) == (429, "too-many-attempts")
    assert (await login(person, OLD)).status_code == 200


@pytest.fixture(scope="module")
async def costlier(settings: ApiSettings) -> AsyncIterator[str]:
    """An api whose hashes cost more than those of the others."""
    cost = {"argon2_memory_kib": 128, "argon2_rounds": 2}
    async with serving(create_api(settings.model_copy(update=cost))) as url:
        yield url


async def password_hash(sessions: Sessions, person: Any) -> str:
    async with sessions() as session:
        query = sa.select(User.password_hash).where(User.id == person.user["id"])
        return str(await session.scalar(query))


async def test_a_login_renews_a_hash_that_has_become_weak(
    person: Any, costlier: str, sessions: Sessions
) -> None:
    before = await password_hash(sessions, person)
    assert before.startswith("$argon2id$v=19$m=64,t=1,p=1$")

    body = {"username": person.user["username"], "password": WRONG}
    await person.client.post(f"{costlier}{API}/login", json=body)
    assert await password_hash(sessions, person) == before

    body["password"] = OLD
    # At once, as when several devices come back: each finds another hash than it has checked.
    answers = await asyncio.gather(
        *(person.client.post(f"{costlier}{API}/login", json=body) for _ in range(4))
    )
    assert [answer.status_code for answer in answers] == [200] * 4
    after = await password_hash(sessions, person)
    assert after.startswith("$argon2id$v=19$m=128,t=2,p=1$")
    assert (await login(person, OLD)).status_code == 200
