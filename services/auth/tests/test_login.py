"""Signing in: two bodies, two names, one answer to whatever is wrong."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa
from auth.users.models import User
from common.database import Sessions, transaction

ReadProblem = Callable[[httpx.Response], tuple[int, str]]

LOGIN = "/api/v1/auth/login"


@pytest.mark.parametrize("name", ["username", "email"])
@pytest.mark.parametrize("case", [str, str.upper])
@pytest.mark.parametrize("kind", ["json", "data"])
async def test_login_takes_either_name_in_either_body(
    client: httpx.AsyncClient, person: Any, name: str, case: Callable[[str], str], kind: str
) -> None:
    credentials = {"username": case(person.user[name]), "password": person.password}
    oauth = {"grant_type": "password", "scope": "", "client_id": "", "client_secret": ""}
    body: Any = {kind: credentials if kind == "json" else {**oauth, **credentials}}
    response = await client.post(LOGIN, **body)

    assert response.json()["user"] == person.user


@pytest.mark.parametrize(
    ("registered", "typed"),
    [
        ("Caf\N{LATIN SMALL LETTER E WITH ACUTE}-Noir-7", "Cafe\N{COMBINING ACUTE ACCENT}-Noir-7"),
        ("Cafe\N{COMBINING ACUTE ACCENT}-Noir-7", "Caf\N{LATIN SMALL LETTER E WITH ACUTE}-Noir-7"),
        ("Aa1" + "é" * 197, "Aa1" + "é" * 197),
        ("Aa1 \N{GRINNING FACE}\N{FAMILY}\N{ZERO WIDTH JOINER}\N{OCTOPUS}", None),
        ("Aa1" + "\N{LATIN SMALL LETTER E WITH ACUTE}" * 253, "Aa1" + "e\u0301" * 253),
    ],
    ids=["nfc-nfd", "nfd-nfc", "200", "emoji", "256"],
)
async def test_unicode_passwords(
    client: httpx.AsyncClient, register: Any, registered: str, typed: str | None
) -> None:
    person = await register(password=registered)

    for password, status in ((typed or registered, 200), (registered[:-1], 401)):
        body = {"username": person.user["username"], "password": password}
        assert (await client.post(LOGIN, json=body)).status_code == status


async def test_a_wrong_name_and_a_wrong_password_look_the_same(
    client: httpx.AsyncClient, problem: ReadProblem, person: Any
) -> None:
    answers = []
    nobody = uuid4().hex  # failures are remembered for an hour, and so by the next run of the tests
    for username in (person.user["username"], nobody, f"{nobody}@example.com"):
        response = await client.post(LOGIN, json={"username": username, "password": "Wrong-1234"})
        assert problem(response) == (401, "invalid-credentials")
        answers.append({**response.json(), "request_id": ""})

    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize(
    ("sent", "status", "slug"),
    [
        ({"json": {"username": "ada"}}, 422, "invalid-input"),
        ({"json": {"username": "ada", "password": "x", "admin": True}}, 422, "invalid-input"),
        ({"json": {"username": "a\0", "password": "x"}}, 422, "invalid-input"),
        ({"json": {"username": "ada", "password": "x" * 1025}}, 422, "invalid-input"),
        ({"json": ["ada", "x"]}, 422, "invalid-input"),
        ({"data": {"username": "ada", "password": "x", "role": "admin"}}, 422, "invalid-input"),
        (
            {"data": {"username": "ada", "password": "x", "grant_type": "magic"}},
            422,
            "invalid-input",
        ),
        ({"content": b"username=ada&password=x"}, 415, "unsupported-media-type"),
        (
            {"content": b"{", "headers": {"content-type": "application/json"}},
            422,
            "invalid-input",
        ),
        (
            {
                "content": b'{"username":"ada","password":"\\ud800"}',
                "headers": {"content-type": "application/json"},
            },
            422,
            "invalid-input",
        ),
        (
            {"content": b"\xff" * 9, "headers": {"content-type": "application/json"}},
            422,
            "invalid-input",
        ),
        (
            {"content": b"[" * 99_999, "headers": {"content-type": "application/json"}},
            422,
            "invalid-input",
        ),
    ],
    ids=range(12),
)
async def test_a_bad_login_body_is_a_problem(
    client: httpx.AsyncClient, problem: ReadProblem, sent: Any, status: int, slug: str
) -> None:
    assert problem(await client.post(LOGIN, **sent)) == (status, slug)


async def test_a_deactivated_account_stays_outside(
    client: httpx.AsyncClient, problem: ReadProblem, sessions: Sessions, person: Any
) -> None:
    tokens = await person.login()
    async with transaction(sessions) as session:
        await session.execute(
            sa.update(User).where(User.id == person.user["id"]).values(is_active=False)
        )

    for password, answer in (
        (person.password, (403, "account-deactivated")),
        ("Wrong-1234", (401, "invalid-credentials")),
    ):
        body = {"username": person.user["username"], "password": password}
        assert problem(await client.post(LOGIN, json=body)) == answer
    refused = await person.refresh(tokens["refresh_token"])
    assert problem(refused) == (403, "account-deactivated")
