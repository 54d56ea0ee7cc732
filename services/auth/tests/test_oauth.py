"""The token endpoint as clients of OAuth 2 know it (RFC 6749)."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import sqlalchemy as sa
from auth.users.models import User
from common.database import Sessions, transaction

ReadProblem = Callable[[httpx.Response], tuple[int, str]]

TOKEN = "/api/v1/auth/token"


async def grant(person: Any, **form: str) -> httpx.Response:
    answer: httpx.Response = await person.client.post(TOKEN, data=form)
    return answer


async def by_password(person: Any, **changes: str) -> httpx.Response:
    credentials = {"username": person.user["username"], "password": person.password}
    return await grant(person, grant_type="password", **{**credentials, **changes})


def oauth_error(response: httpx.Response) -> str:
    """Return the error of a refusal that is one for OAuth clients and a problem document too."""
    body = response.json()
    assert response.status_code == body["status"] == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert body["error_description"]
    return str(body["error"])


async def test_a_password_and_then_refresh_tokens_bring_tokens(person: Any) -> None:
    answers = [await by_password(person, scope="", client_id="docs", client_secret="")]
    for _ in range(2):
        spent = answers[-1].json()["refresh_token"]
        answers.append(await grant(person, grant_type="refresh_token", refresh_token=spent))

    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        body = answer.json()
        assert body.keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
        assert (body["token_type"], body["expires_in"]) == ("bearer", 900)
        me = await person.call("GET", "/me", body["access_token"])
        assert me.json() == person.user
    assert len({answer.json()["refresh_token"] for answer in answers}) == 3


async def test_a_spent_refresh_token_ends_the_session_here_too(person: Any) -> None:
    first = (await by_password(person)).json()["refresh_token"]
    second = (await grant(person, grant_type="refresh_token", refresh_token=first)).json()
    for token in (first, second["refresh_token"]):
        refused = await grant(person, grant_type="refresh_token", refresh_token=token)
        assert oauth_error(refused) == "invalid_grant"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password", "username": "nobody", "password": "Wrong-Horse-7"}, "grant"),
        ({"grant_type": "refresh_token", "refresh_token": "never-issued"}, "grant"),
        ({"grant_type": "password", "username": "nobody"}, "request"),
        ({"grant_type": "password", "username": "nobody", "password": ""}, "request"),
        ({"grant_type": "refresh_token"}, "request"),
        ({"grant_type": ""}, "request"),
        ({"username": "nobody", "password": "Wrong-Horse-7"}, "request"),
        ({"grant_type": ["password", "refresh_token"], "refresh_token": "x"}, "request"),
        ({"grant_type": "authorization_code", "code": "x"}, "type"),
        ({"grant_type": "client_credentials"}, "type"),
    ],
    ids=str,
)
async def test_a_refusal_has_the_error_of_the_standard(
    client: httpx.AsyncClient, registration: Any, form: dict[str, Any], error: str
) -> None:
    if "username" in form:  # nobody's, but of this test alone
        form = {**form, "username": registration()["username"]}
    refused = await client.post(TOKEN, data=form)
    names = {
        "grant": "invalid_grant",
        "request": "invalid_request",
        "type": "unsupported_grant_type",
    }

    assert oauth_error(refused) == names[error]
    assert "Wrong-Horse-7" not in refused.text


async def test_a_parameter_that_nobody_knows_is_ignored(person: Any) -> None:
    """RFC 6749, section 3.2: the server MUST ignore unrecognized request parameters."""
    assert (await by_password(person, audience="https://example.com")).status_code == 200


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "text/plain", ""])
async def test_only_a_form_is_a_token_request(person: Any, kind: str) -> None:
    form = {"grant_type": "password", "username": "nobody", "password": "Wrong-Horse-7"}
    kinds: dict[str, dict[str, Any]] = {
        "application/json": {"json": form},
        "multipart/form-data": {"files": {name: (None, value) for name, value in form.items()}},
    }
    plain = {"content": urlencode(form).encode(), "headers": {"Content-Type": kind}}
    refused = await person.client.post(TOKEN, **kinds.get(kind, plain))

    assert oauth_error(refused) == "invalid_request"


async def test_a_deactivated_account_gets_nothing_and_loses_nothing(
    person: Any, sessions: Sessions
) -> None:
    token = (await by_password(person)).json()["refresh_token"]
    for active in (False, True):
        async with transaction(sessions) as session:
            change = sa.update(User).where(User.id == person.user["id"])
            await session.execute(change.values(is_active=active))
        if not active:
            assert oauth_error(await by_password(person)) == "invalid_grant"
        refreshed = await grant(person, grant_type="refresh_token", refresh_token=token)
        if not active:
            assert oauth_error(refreshed) == "invalid_grant"

    # What was refused has not spent the token.
    assert refreshed.status_code == 200


async def test_guesses_wait_here_too(person: Any, problem: ReadProblem) -> None:
    answers = [await by_password(person, password="Wrong-Horse-7") for _ in range(5)]
    assert {oauth_error(answer) for answer in answers} == {"invalid_grant"}

    assert problem(await by_password(person)) == (429, "too-many-attempts")
