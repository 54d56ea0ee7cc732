"""Where one is signed in: seeing it, and ending it, here and elsewhere."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from common.testing import eventually
from contracts import OWN
from jose import jwt

ReadProblem = Callable[[httpx.Response], tuple[int, str]]

REFUSED = (401, "unauthorized")


def session_of(tokens: dict[str, Any]) -> str:
    return str(jwt.get_unverified_claims(tokens["access_token"])["sid"])


async def until_refused(person: Any, problem: ReadProblem, token: str) -> None:
    """Wait, for as long as we promise, until an access token is refused."""

    async def refused() -> bool:
        answer = await person.call("GET", "/me", token)
        assert problem(answer) == REFUSED
        return 'error="invalid_token"' in answer.headers["www-authenticate"]

    await eventually(refused, within=5)


async def listed(person: Any, tokens: dict[str, Any]) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = (
        await person.call("GET", "/sessions", tokens["access_token"])
    ).json()
    return answer


async def test_sessions_tell_where_and_since_when(person: Any, new_address: Any) -> None:
    body = {"username": person.user["username"], "password": person.password}
    address = new_address()
    agent = b"Browser/1 \xa0[31m" + b"x" * 400
    elsewhere = await person.client.post(
        "/api/v1/auth/login",
        json=body,
        headers={b"X-Forwarded-For": address.encode(), b"User-Agent": agent},
    )
    here = await person.login()

    mine, other = await listed(person, here)
    assert [mine["id"], other["id"]] == [session_of(here), session_of(elsewhere.json())]
    assert [mine["current"], other["current"]] == [True, False]
    assert other["address"] == address
    assert other["user_agent"].startswith("Browser/1 [31mxx")
    assert len(other["user_agent"]) <= 300
    assert mine.keys() == {
        *("id", "created_at", "last_seen_at", "expires_at", "address", "user_agent", "current")
    }

    # A refresh elsewhere brings the other session to the front.
    await person.refresh(elsewhere.json()["refresh_token"])
    first, second = await listed(person, here)
    assert [first["id"], second["id"]] == [other["id"], mine["id"]]
    assert first["last_seen_at"] > other["last_seen_at"]
    assert first["expires_at"] == other["expires_at"]


async def test_a_session_elsewhere_can_be_ended(
    person: Any, problem: ReadProblem, recorded: Any
) -> None:
    here, elsewhere = await person.login(), await person.login()
    path = f"/sessions/{session_of(elsewhere)}"
    ended = await person.call("DELETE", path, here["access_token"])
    assert (ended.status_code, ended.content) == (204, b"")

    assert [each["id"] for each in await listed(person, here)] == [session_of(here)]
    assert problem(await person.refresh(elsewhere["refresh_token"])) == (401, "session-ended")
    await until_refused(person, problem, elsewhere["access_token"])
    again = await person.call("DELETE", path, here["access_token"])
    assert problem(again) == (404, "session-not-found")
    (event,) = await recorded("session.revoked", person)
    assert (event["session_id"], event["reason"]) == (session_of(elsewhere), "logout")


async def test_the_session_of_another_is_as_unknown_as_one_that_never_was(
    register: Any, problem: ReadProblem
) -> None:
    ada, bob = await register(), await register()
    adas, bobs = await ada.login(), await bob.login()
    answers = []
    for unknown in (session_of(adas), str(uuid4())):
        answer = await bob.call("DELETE", f"/sessions/{unknown}", bobs["access_token"])
        assert problem(answer) == (404, "session-not-found")
        answers.append({**answer.json(), "request_id": "", "instance": ""})

    assert answers[0] == answers[1]
    assert (await ada.refresh(adas["refresh_token"])).status_code == 200


async def test_logout_ends_this_session_everywhere_and_no_other(
    person: Any, problem: ReadProblem, recorded: Any
) -> None:
    here, elsewhere = await person.login(), await person.login()
    older = here["access_token"]
    here = (await person.refresh(here["refresh_token"])).json()
    assert (await person.call("POST", "/logout", here["access_token"])).status_code == 204

    for token in (older, here["access_token"]):
        await until_refused(person, problem, token)
    assert problem(await person.refresh(here["refresh_token"])) == (401, "session-ended")
    assert (await person.call("GET", "/me", elsewhere["access_token"])).json() == person.user
    (event,) = await recorded("session.revoked", person)
    assert (event["session_id"], event["reason"]) == (session_of(here), "logout")


async def test_logout_all_ends_every_session_and_leaves_others_alone(
    register: Any, problem: ReadProblem, recorded: Any
) -> None:
    person, bystander = await register(), await register()
    everywhere = [await person.login() for _ in range(3)]
    theirs = await bystander.login()
    answer = await person.call("POST", "/logout-all", everywhere[0]["access_token"])
    assert (answer.status_code, answer.content) == (204, b"")

    for tokens in everywhere:
        await until_refused(person, problem, tokens["access_token"])
        refused = await person.refresh(tokens["refresh_token"])
        assert problem(refused) == (401, "session-ended")
    assert (await bystander.refresh(theirs["refresh_token"])).status_code == 200
    events = await recorded("session.revoked", person)
    assert {event["session_id"] for event in events} == set(map(session_of, everywhere))
    assert {event["reason"] for event in events} == {"logout"}
    assert (await listed(person, await person.login()))[0]["current"]


async def test_a_token_that_was_used_twice_is_refused_everywhere(
    person: Any, problem: ReadProblem, recorded: Any
) -> None:
    first = await person.login()
    second = (await person.refresh(first["refresh_token"])).json()
    await person.refresh(first["refresh_token"])

    for tokens in (first, second):
        await until_refused(person, problem, tokens["access_token"])
    (event,) = await recorded("session.revoked", person)
    assert (event["session_id"], event["reason"]) == (session_of(first), "token_reused")


async def test_a_ticket_carries_what_its_owner_may(person: Any) -> None:
    token = (await person.login())["access_token"]
    ticket = (await person.call("POST", "/ticket", token)).json()["ticket"]
    claims, access = jwt.get_unverified_claims(ticket), jwt.get_unverified_claims(token)

    assert set(claims["permissions"]) == set(access["permissions"]) == OWN
    assert claims["ver"] == access["ver"] == 1
    assert claims["sid"] == access["sid"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/me", {"first_name": "Ada"}),
        ("DELETE", "/me", {"password": "Correct-Horse-7"}),
        ("POST", "/password/change", {"current_password": "x", "password": "y"}),
        ("POST", "/email/change", {"email": "a@example.com", "password": "x"}),
        ("POST", "/logout", None),
        ("POST", "/logout-all", None),
        ("GET", "/sessions", None),
        ("DELETE", f"/sessions/{UUID(int=1)}", None),
        ("POST", "/mfa/totp", {"password": "x"}),
        ("POST", "/mfa/totp/confirm", {"code": "123456"}),
        ("DELETE", "/mfa/totp", {"password": "x"}),
        ("GET", "/api-keys", None),
        ("POST", "/api-keys", {"name": "x", "scopes": ["documents:read"]}),
        ("POST", f"/api-keys/{UUID(int=1)}/rotate", None),
        ("DELETE", f"/api-keys/{UUID(int=1)}", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_an_api_key_does_not_manage_the_account(
    person: Any, problem: ReadProblem, method: str, path: str, body: Any
) -> None:
    token = (await person.login())["access_token"]
    key = {"name": "backup", "scopes": sorted(OWN)}
    created = (await person.call("POST", "/api-keys", token, json=key)).json()
    exchanged = await person.client.post("/internal/token", json={"api_key": created["key"]})
    machine = exchanged.json()["access_token"]

    assert (await person.call("GET", "/me", machine)).json() == person.user
    refused = await person.call(method, path, machine, json=body)
    assert problem(refused) == (403, "session-required")
