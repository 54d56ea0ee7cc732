"""What a refused sign-in leaves behind: a line in the audit log, and nothing else."""

import json
from typing import Any

import httpx
import pyotp
import pytest
import sqlalchemy as sa
from auth.base import Base
from common.database import Sessions, frame_metadata

WRONG = "Wrong-Horse-7"


async def fingerprints(sessions: Sessions) -> dict[str, str]:
    """Return of each table but the audit log what changes with anything in it."""
    tables = [*Base.metadata.sorted_tables, *frame_metadata.sorted_tables]
    async with sessions() as session:
        return {
            table.name: str(
                await session.scalar(
                    sa.text(f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table} t")
                )
            )
            for table in tables
            # The relay notes there, whenever it likes, what it has announced.
            if table.name not in ("audit_log", "revocations")
        }


async def audit_log(sessions: Sessions, person: Any) -> list[str]:
    query = sa.text("SELECT action FROM audit_log WHERE user_id = :id ORDER BY id")
    async with sessions() as session:
        return list(await session.scalars(query, {"id": person.user["id"]}))


@pytest.mark.parametrize(
    ("path", "kind", "changes", "left"),
    [
        ("/login", "json", {"password": WRONG}, "login.failed"),
        ("/token", "data", {"password": WRONG, "grant_type": "password"}, "login.failed"),
        ("/login", "json", {}, "login.mfa_required"),
        ("/token", "data", {"grant_type": "password"}, "login.mfa_required"),
    ],
    ids=["json", "oauth", "mfa", "oauth-mfa"],
)
async def test_a_refused_login_leaves_one_line(
    person: Any, sessions: Sessions, *, path: str, kind: str, changes: dict[str, str], left: str
) -> None:
    if left == "login.mfa_required":
        await switch_mfa_on(person)
    before, known = await fingerprints(sessions), await audit_log(sessions, person)
    credentials = {"username": person.user["username"], "password": person.password}
    sent: Any = {kind: {**credentials, **changes}}
    refused = await person.client.post(f"/api/v1/auth{path}", **sent)

    assert refused.status_code == (401 if path == "/login" else 400)
    assert await fingerprints(sessions) == before
    assert await audit_log(sessions, person) == [*known, left]


async def test_a_refused_code_leaves_one_line(person: Any, sessions: Sessions) -> None:
    await switch_mfa_on(person)
    credentials = {"username": person.user["username"], "password": person.password}
    asked = await person.client.post("/api/v1/auth/login", json=credentials)
    before, known = await fingerprints(sessions), await audit_log(sessions, person)
    body = {"mfa_token": asked.json()["mfa_token"], "code": "000000"}
    refused = await person.client.post("/api/v1/auth/mfa/verify", json=body)

    assert refused.status_code == 401
    assert await fingerprints(sessions) == before
    assert await audit_log(sessions, person) == [*known, "mfa.failed"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/password/reset", {"token": "x", "password": WRONG, "password_confirm": WRONG}),
        ("/email/verify", {"token": "x"}),
        ("/refresh", {"refresh_token": "never-issued"}),
        ("/mfa/verify", {"mfa_token": "x", "code": "123456"}),
    ],
)
async def test_a_secret_that_was_never_given_out_leaves_nothing(
    person: Any, sessions: Sessions, path: str, body: dict[str, str]
) -> None:
    before, known = await fingerprints(sessions), await audit_log(sessions, person)
    refused = await person.client.post(f"/api/v1/auth{path}", json=body)

    assert refused.status_code in (401, 422)
    assert await fingerprints(sessions) == before
    assert await audit_log(sessions, person) == known


@pytest.mark.parametrize("character", ["\ud800", "\0", "\U0010ffff"], ids=ascii)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/auth/login", {"username": "?"}),
        ("/api/v1/auth/login", {"password": "?"}),
        ("/api/v1/auth/register", {"password": "Aa1-long?", "password_confirm": "Aa1-long?"}),
        ("/api/v1/auth/register", {"first_name": "?"}),
        ("/api/v1/auth/email/verify", {"token": "?"}),
        ("/api/v1/auth/refresh", {"refresh_token": "?"}),
        ("/api/v1/auth/mfa/verify", {"mfa_token": "x", "code": "123456?"}),
        ("/api/v1/auth/mfa/verify", {"mfa_token": "?", "code": "123456"}),
        ("/internal/token", {"api_key": "?"}),
    ],
    ids=str,
)
async def test_no_character_breaks_anything(
    client: httpx.AsyncClient, registration: Any, path: str, body: dict[str, str], character: str
) -> None:
    valid = registration()
    others = {
        "/api/v1/auth/login": {"username": valid["username"], "password": WRONG},
        "/api/v1/auth/register": valid,
    }.get(path, {})
    sent = {**others, **{name: value.replace("?", character) for name, value in body.items()}}
    content = json.dumps(sent).encode()  # httpx would not send half a character
    headers = {"Content-Type": "application/json"}
    answer = await client.post(path, content=content, headers=headers)

    assert answer.status_code in (201, 401, 422)


async def switch_mfa_on(person: Any) -> None:
    token = (await person.login())["access_token"]
    setup = await person.call("POST", "/mfa/totp", token, json={"password": person.password})
    code = {"code": pyotp.TOTP(setup.json()["secret"]).now()}
    confirmed = await person.call("POST", "/mfa/totp/confirm", token, json=code)
    assert confirmed.status_code == 200
