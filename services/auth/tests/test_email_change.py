"""Another address: it counts once the mail that went there has been read."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

ReadProblem = Callable[[httpx.Response], tuple[int, str]]

REGISTERED = "user.registered"
CHANGED = "user.email_change_requested"
RESET = "user.password_reset_requested"
NEW = {"password": "Another-Horse-7", "password_confirm": "Another-Horse-7"}


def new_email() -> str:
    return f"{uuid4().hex}@example.com"


async def ask(person: Any, token: str, email: str, password: str = "") -> httpx.Response:
    body = {"email": email, "password": password or person.password}
    answer: httpx.Response = await person.call("POST", "/email/change", token, json=body)
    return answer


async def follow(person: Any, secret: str) -> httpx.Response:
    path = "/api/v1/auth/email/verify"
    answer: httpx.Response = await person.client.post(path, json={"token": secret})
    return answer


@pytest.fixture
async def token(person: Any) -> str:
    return str((await person.login())["access_token"])


async def test_the_old_address_stays_until_the_link_is_followed(
    person: Any, token: str, mailed: Any, recorded: Any
) -> None:
    email = new_email()
    assert (await ask(person, token, email)).status_code == 202
    assert (await person.call("GET", "/me", token)).json() == person.user
    assert await mailed(CHANGED, person.user["email"]) == []

    (secret,) = await mailed(CHANGED, email)
    followed = await follow(person, secret)
    assert followed.json() == {**person.user, "email": email, "email_verified": True}
    assert (await person.call("GET", "/me", token)).json() == followed.json()
    (welcomed,) = await recorded("user.verified", person)
    assert welcomed["recipient"]["email"] == email
    login = {"username": email, "password": person.password}
    assert (await person.client.post("/api/v1/auth/login", json=login)).status_code == 200


async def test_only_the_link_that_was_asked_for_last_works(
    person: Any, token: str, mailed: Any, problem: ReadProblem
) -> None:
    first, second = new_email(), new_email()
    await ask(person, token, first)
    await ask(person, token, second)
    (old,), (new,) = await mailed(CHANGED, first), await mailed(CHANGED, second)

    assert problem(await follow(person, old)) == (422, "invalid-link")
    assert (await follow(person, new)).json()["email"] == second


async def test_it_takes_the_password(
    person: Any, token: str, mailed: Any, problem: ReadProblem
) -> None:
    email = new_email()
    refused = await ask(person, token, email, "Wrong-Horse-7")

    assert problem(refused) == (403, "wrong-password")
    assert await mailed(CHANGED, email) == []


async def test_that_an_address_is_taken_learns_only_who_reads_its_mail(
    register: Any, mailed: Any, problem: ReadProblem
) -> None:
    ada, bob = await register(), await register()
    token = (await bob.login())["access_token"]
    taken = ada.user["email"]
    assert (await ask(bob, token, taken.upper())).status_code == 202
    (secret,) = await mailed(CHANGED, f"{taken.upper().partition('@')[0]}@example.com")
    assert problem(await follow(bob, secret)) == (409, "email-taken")
    assert (await bob.call("GET", "/me", token)).json() == bob.user

    # The link was not used up: it works when the address has become free.
    adas = (await ada.login())["access_token"]
    await ada.call("DELETE", "/me", adas, json={"password": ada.password})
    assert (await follow(bob, secret)).json()["email"].lower() == taken


async def test_of_two_who_want_an_address_one_gets_it(
    register: Any, mailed: Any, problem: ReadProblem
) -> None:
    people, email = [await register() for _ in range(2)], new_email()
    for person in people:
        await ask(person, (await person.login())["access_token"], email)
    secrets = await mailed(CHANGED, email)
    answers = await asyncio.gather(*(follow(people[0], secret) for secret in secrets))

    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_a_link_to_the_address_before_does_not_bring_it_back(
    person: Any, token: str, mailed: Any, problem: ReadProblem
) -> None:
    """Whoever reads the mail of a mistyped address could follow its link, and take over."""
    (to_the_old,) = await mailed(REGISTERED, person.user["email"])
    email = new_email()
    await ask(person, token, email)
    (to_the_new,) = await mailed(CHANGED, email)
    assert (await follow(person, to_the_new)).json()["email"] == email

    assert problem(await follow(person, to_the_old)) == (422, "invalid-link")
    assert (await person.call("GET", "/me", token)).json()["email"] == email


async def test_a_reset_link_to_the_address_before_is_worthless(
    person: Any, token: str, mailed: Any, problem: ReadProblem
) -> None:
    path = "/api/v1/auth/password/reset"
    await person.client.post(f"{path}-request", json={"email": person.user["email"]})
    (reset,) = await mailed(RESET, person.user["email"])
    email = new_email()
    await ask(person, token, email)
    await follow(person, (await mailed(CHANGED, email))[0])

    refused = await person.client.post(path, json={"token": reset, **NEW})
    assert problem(refused) == (422, "invalid-link")


@pytest.mark.parametrize("how", ["change", "reset"])
async def test_a_new_password_stops_a_change_that_a_thief_has_begun(
    person: Any, token: str, mailed: Any, problem: ReadProblem, how: str
) -> None:
    """The link lies in the thief's mailbox, and would bring back what the owner has ended."""
    thief = new_email()
    await ask(person, token, thief)
    (secret,) = await mailed(CHANGED, thief)
    if how == "change":
        body = {"current_password": person.password, **NEW}
        await person.call("POST", "/password/change", token, json=body)
    else:
        path = "/api/v1/auth/password/reset"
        await person.client.post(f"{path}-request", json={"email": person.user["email"]})
        (link,) = await mailed(RESET, person.user["email"])
        assert (await person.client.post(path, json={"token": link, **NEW})).status_code == 204

    assert problem(await follow(person, secret)) == (422, "invalid-link")


async def test_nobody_fills_somebody_elses_mailbox(
    person: Any, token: str, mailed: Any, problem: ReadProblem
) -> None:
    email = new_email()
    answers = [await ask(person, token, email) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [202] * 5 + [429]
    assert problem(answers[-1]) == (429, "too-many-links")
    assert int(answers[-1].headers["retry-after"]) > 0
    assert len(await mailed(CHANGED, email)) == 5
