"""Accounts and sign-in as a client sees them, over real HTTP."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from common.security import STREAM_TICKET
from jose import jwt

Registration = Callable[..., dict[str, Any]]
ReadProblem = Callable[[httpx.Response], tuple[int, str]]

REGISTER, LOGIN = "/api/v1/auth/register", "/api/v1/auth/login"


async def test_an_account_can_be_opened_and_used(
    client: httpx.AsyncClient, registration: Registration
) -> None:
    body = registration(first_name=" Ada ", last_name="Lovelace")
    registered = await client.post(REGISTER, json=body)
    user = registered.json()

    assert registered.status_code == 201
    assert (user["email"], user["username"]) == (body["email"], body["username"])
    assert (user["first_name"], user["last_name"]) == ("Ada", "Lovelace")
    assert (user["is_active"], user["email_verified"]) == (True, False)
    assert user.keys() == {
        *("id", "email", "username", "first_name", "last_name"),
        *("is_active", "email_verified", "created_at", "language", "roles"),
    }

    credentials = {"username": body["username"], "password": body["password"]}
    signed_in = await client.post(LOGIN, json=credentials)
    answer = signed_in.json()
    assert signed_in.headers["cache-control"] == "no-store"
    assert (answer["user"], answer["token_type"], answer["expires_in"]) == (user, "bearer", 900)

    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    assert (await client.get("/api/v1/auth/me", headers=headers)).json() == user


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"is_active": False}, "/body/is_active"),
        ({"roles": ["admin"]}, "/body/roles"),
        ({"id": "00000000-0000-0000-0000-000000000000"}, "/body/id"),
        ({"email_verified": True}, "/body/email_verified"),
        ({"password_hash": "x"}, "/body/password_hash"),
        ({"created_at": "2020-01-01T00:00:00Z"}, "/body/created_at"),
        ({"email": "nobody"}, "/body/email"),
        ({"email": "a\0@example.com"}, "/body/email"),
        ({"username": "ab"}, "/body/username"),
        ({"username": "a" * 51}, "/body/username"),
        ({"username": "ada@example.com"}, "/body/username"),
        ({"username": "ada\n"}, "/body/username"),
        ({"username": "аdа-cyrillic"}, "/body/username"),
        ({"first_name": "A\0da"}, "/body/first_name"),
        ({"password_confirm": "Another-Secret-9"}, "/body/password_confirm"),
        ({"password": 12345678}, "/body/password"),
        ({"password": "hunter2hunter2"}, "/body/password"),
    ],
    ids=str,
)
async def test_a_bad_registration_is_refused_and_not_repeated(
    client: httpx.AsyncClient,
    registration: Registration,
    problem: ReadProblem,
    changes: dict[str, Any],
    pointer: str,
) -> None:
    response = await client.post(REGISTER, json=registration(**changes))

    weak = changes.get("password") == "hunter2hunter2"
    assert problem(response) == (422, "weak-password" if weak else "invalid-input")
    assert pointer in {error["pointer"] for error in response.json()["errors"]}
    for secret in ("Correct-Horse-7", "Another-Secret-9", "12345678", "hunter2"):
        assert secret not in response.text


async def test_names_are_taken_in_any_case(
    client: httpx.AsyncClient, registration: Registration, problem: ReadProblem, person: Any
) -> None:
    email, username = person.user["email"].upper(), person.user["username"].upper()
    for changes, slug in (
        ({"email": email}, "email-taken"),
        ({"username": username}, "username-taken"),
    ):
        response = await client.post(REGISTER, json=registration(**changes))
        assert problem(response) == (409, slug)


async def test_of_many_registrations_at_once_one_succeeds(
    client: httpx.AsyncClient, registration: Registration
) -> None:
    body = registration()
    responses = await asyncio.gather(*(client.post(REGISTER, json=body) for _ in range(10)))

    assert Counter(response.status_code for response in responses) == {201: 1, 409: 9}


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/me"), ("POST", "/logout"), ("POST", "/ticket")]
)
async def test_without_a_token_nobody_is_signed_in(
    client: httpx.AsyncClient, problem: ReadProblem, person: Any, method: str, path: str
) -> None:
    response = await client.request(method, f"/api/v1/auth{path}")

    assert problem(response) == (401, "unauthorized")
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_ticket_speaks_for_its_user_for_30_seconds(person: Any) -> None:
    tokens = await person.login()
    response = await person.call("POST", "/ticket", tokens["access_token"])
    ticket = response.json()["ticket"]
    claims = jwt.get_unverified_claims(ticket)

    assert response.json()["expires_in"] == claims["exp"] - claims["iat"] == 30
    assert response.headers["cache-control"] == "no-store"
    assert jwt.get_unverified_header(ticket)["typ"] == STREAM_TICKET
    access = jwt.get_unverified_claims(tokens["access_token"])
    assert claims.keys() == access.keys() - {"roles"}
    assert {name for name in claims if claims[name] == access[name]} >= {"iss", "aud", "sub", "sid"}
    assert claims["jti"] != access["jti"]


async def test_openapi_describes_both_bodies_and_the_problems(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    login = document["paths"][LOGIN]["post"]

    for kind in ("application/json", "application/x-www-form-urlencoded"):
        schema = login["requestBody"]["content"][kind]["schema"]
        assert {"username", "password"} <= schema["properties"].keys()
    assert "invalid-credentials" in login["responses"]["401"]["description"]
    assert "weak-password" in document["paths"][REGISTER]["post"]["responses"]["422"]["description"]
