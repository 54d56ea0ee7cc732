"""What docs/security/asvs.md says of sessions: none is forgotten, and what matters asks again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pyotp
import pytest
import sqlalchemy as sa
from auth.base import now
from auth.sessions.models import UserSession
from common.database import Sessions, transaction
from jose import jwt

ReadProblem = Callable[[httpx.Response], tuple[int, str]]

API = "/api/v1/auth"
REFRESH = "__Secure-quire_refresh"


def session_of(token: str) -> UUID:
    return UUID(jwt.get_unverified_claims(token)["sid"])


@pytest.mark.parametrize("cookies", [True, False])
async def test_a_browser_that_signs_in_again_leaves_no_session_behind(
    person: Any, problem: ReadProblem, cookies: bool
) -> None:
    """But a script that signs in beside it, and happens to send the cookie, does."""
    credentials = {"username": person.user["username"], "password": person.password}
    first = await person.client.post(f"{API}/login?cookies=true", json=credentials)
    csrf = {"X-CSRF-Token": first.json()["csrf_token"]}
    sent = {"Cookie": f"{REFRESH}={first.cookies[REFRESH]}"}
    person.client.cookies.clear()

    query = "?cookies=true" if cookies else ""
    again = await person.client.post(f"{API}/login{query}", json=credentials, headers=sent)
    assert again.status_code == 200
    person.client.cookies.clear()
    former = await person.client.post(f"{API}/refresh", headers=sent | csrf)
    if cookies:
        assert problem(former) == (401, "session-ended")
    else:
        assert former.status_code == 200


async def test_a_session_that_is_not_used_ends(
    person: Any, problem: ReadProblem, sessions: Sessions
) -> None:
    tokens = await person.login()
    session_id = session_of(tokens["access_token"])
    tokens = (await person.refresh(tokens["refresh_token"])).json()
    async with transaction(sessions) as session:
        unused = await session.get_one(UserSession, session_id)
        assert unused.idle_until - unused.last_seen_at == timedelta(days=7)
        await session.execute(
            sa.update(UserSession).where(UserSession.id == session_id).values(idle_until=now())
        )

    refused = await person.refresh(tokens["refresh_token"])
    assert problem(refused) == (401, "session-ended")
    elsewhere = (await person.login())["access_token"]
    listed = (await person.call("GET", "/sessions", elsewhere)).json()
    assert str(session_id) not in {each["id"] for each in listed}


@pytest.mark.parametrize(
    ("method", "path", "changes"),
    [
        ("POST", "/email/change", {"email": "new-address@example.com"}),
        ("POST", "/password/change", {}),
        ("DELETE", "/mfa/totp", {}),
        ("DELETE", "/me", {}),
    ],
    ids=["address", "password", "factor", "account"],
)
async def test_with_a_second_factor_what_matters_asks_for_it_again(
    person: Any, problem: ReadProblem, method: str, path: str, changes: dict[str, str]
) -> None:
    token = (await person.login())["access_token"]
    password = {"password": person.password}
    secret = (await person.call("POST", "/mfa/totp", token, json=password)).json()["secret"]
    code = {"code": pyotp.TOTP(secret).now()}
    confirmed = await person.call("POST", "/mfa/totp/confirm", token, json=code)
    if path == "/password/change":
        new = "Another-Horse-8"
        password = {"current_password": person.password, "password": new, "password_confirm": new}

    body = {**changes, **password}
    without = await person.call(method, path, token, json=body)
    assert problem(without) == (403, "code-required")
    wrong = await person.call(method, path, token, json={**body, "code": "000000"})
    assert problem(wrong) == (403, "wrong-code")
    right = {"code": confirmed.json()["recovery_codes"][0]}
    assert (await person.call(method, path, token, json=body | right)).status_code in (202, 204)
