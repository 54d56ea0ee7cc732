"""One's own account: opening it, changing it, deleting it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from auth.accounts.language import preferred
from auth.base import Base
from common.database import Sessions
from common.outbox import outbox
from common.testing import eventually

ReadProblem = Callable[[httpx.Response], tuple[int, str]]

REGISTERED = "user.registered"


async def belongings(sessions: Sessions, user_id: UUID) -> dict[str, int]:
    """Return in which tables there is still something of a user's, the records of acts aside."""
    found = {}
    async with sessions() as session:
        for table in Base.metadata.sorted_tables:
            if table.name in ("audit_log", "revocations"):
                continue
            for name in ("user_id", "owner_id"):
                if name in table.columns:
                    query = sa.select(sa.func.count()).where(table.columns[name] == user_id)
                    found[table.name] = await session.scalar(query) or 0
        found["users"] = (
            await session.scalar(
                sa.text("SELECT count(*) FROM users WHERE id = :id"), {"id": user_id}
            )
            or 0
        )
    return {name: count for name, count in found.items() if count}


async def test_a_registration_is_announced_with_a_link_that_only_the_mailer_can_read(
    person: Any, recorded: Any, mailed: Any, sessions: Sessions
) -> None:
    (announced,) = await recorded(REGISTERED, person)
    (secret,) = await mailed(REGISTERED, person.user["email"])

    assert announced["recipient"] == {
        "email": person.user["email"],
        "username": person.user["username"],
        "language": "en",
    }
    assert len(secret) >= 43  # 256 bits
    async with sessions() as session:
        for query in ("SELECT o::text FROM outbox o", "SELECT l::text FROM email_links l"):
            kept = "\n".join((await session.scalars(sa.text(query))).all())
            assert person.user["id"] in kept
            assert secret not in kept
            assert secret.encode().hex() not in kept


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT", "de"),
        ("DE", "de"),
        ("de, en", "de"),
        ("en, de", "en"),
        ("en;q=0.4, de;q=0.8", "de"),
        ("de;q=0.4, en;q=0.8", "en"),
        ("de;q=0", "en"),
        ("fr, de;q=0.1", "de"),
        ("fr", "en"),
        ("*", "en"),
        ("de;q=many, en;q=0.1", "en"),
        ("de;q=nan", "en"),
        (";;,=,q", "en"),
    ],
)
def test_the_language_is_the_one_that_a_browser_prefers(header: str, language: str) -> None:
    assert preferred(header) == language


async def test_mails_come_in_the_language_of_the_browser_unless_another_is_chosen(
    client: httpx.AsyncClient, registration: Any, recorded: Any
) -> None:
    german = {"Accept-Language": "de-DE,de;q=0.9,en;q=0.8"}
    for chosen, language in ((None, "de"), ("en", "en")):
        response = await client.post(
            "/api/v1/auth/register", json=registration(language=chosen), headers=german
        )
        assert response.json()["language"] == language


async def test_a_profile_can_be_changed_field_by_field(register: Any) -> None:
    person = await register(first_name="Ada", last_name="Lovelace")
    token = (await person.login())["access_token"]

    renamed = person.user["username"].upper()
    for changes, expected in (
        ({}, {}),
        ({"language": "de"}, {"language": "de"}),
        ({"first_name": None}, {"first_name": None}),
        ({"username": renamed, "last_name": "King"}, {"username": renamed, "last_name": "King"}),
        ({"username": None, "language": None}, {}),
    ):
        before = (await person.call("GET", "/me", token)).json()
        changed = await person.call("PATCH", "/me", token, json=changes)
        assert changed.json() == {**before, **expected}
        assert (await person.call("GET", "/me", token)).json() == changed.json()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "00000000-0000-0000-0000-000000000000"),
        ("roles", ["admin"]),
        ("permissions", ["users:read"]),
        ("is_active", False),
        ("email", "other@example.com"),
        ("email_verified", True),
        ("email_verified_at", "2020-01-01T00:00:00Z"),
        ("rights_version", 0),
        ("password", "Another-Horse-7"),
        ("password_hash", "x"),
        ("created_at", "2020-01-01T00:00:00Z"),
        ("username", "a b"),
        ("first_name", "\0"),
        ("language", "fr"),
    ],
)
async def test_what_is_not_ones_own_to_change_is_refused(
    person: Any, problem: ReadProblem, field: str, value: Any
) -> None:
    token = (await person.login())["access_token"]
    refused = await person.call("PATCH", "/me", token, json={field: value, "last_name": "King"})

    assert problem(refused) == (422, "invalid-input")
    assert [error["pointer"] for error in refused.json()["errors"]] == [f"/body/{field}"]
    assert (await person.call("GET", "/me", token)).json() == person.user


async def test_a_username_that_is_taken_is_refused(register: Any, problem: ReadProblem) -> None:
    ada, bob = await register(), await register()
    token = (await bob.login())["access_token"]
    taken = {"username": ada.user["username"].upper(), "last_name": "King"}
    refused = await bob.call("PATCH", "/me", token, json=taken)

    assert problem(refused) == (409, "username-taken")
    assert (await bob.call("GET", "/me", token)).json() == bob.user


async def test_a_deleted_account_is_gone_with_everything(
    person: Any, problem: ReadProblem, registration: Any, sessions: Sessions, recorded: Any
) -> None:
    here, elsewhere = await person.login(), await person.login()
    token = here["access_token"]
    key = {"name": "backup", "scopes": ["documents:read"]}
    created = (await person.call("POST", "/api-keys", token, json=key)).json()
    await person.call("POST", "/mfa/totp", token, json={"password": person.password})
    owner = UUID(person.user["id"])
    assert await belongings(sessions, owner) == {
        name: 1 + (name == "sessions")
        for name in ("users", "user_roles", "sessions", "api_keys", "authenticators", "email_links")
    }

    wrong = await person.call("DELETE", "/me", token, json={"password": "Wrong-Horse-7"})
    assert problem(wrong) == (403, "wrong-password")
    assert len(await belongings(sessions, owner)) == 6

    deleted = await person.call("DELETE", "/me", token, json={"password": person.password})
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert await belongings(sessions, owner) == {}
    assert await recorded("user.deleted", person) == [{"user_id": person.user["id"]}]
    ended = [event["reason"] for event in await recorded("session.revoked", person)]
    assert ended == ["deleted", "deleted"]

    async def refused() -> bool:
        answers = [
            await person.call("GET", path, signed_in["access_token"])
            for signed_in in (here, elsewhere)
            for path in ("/me", "/sessions")
        ]
        return all(problem(answer) == (401, "unauthorized") for answer in answers)

    await eventually(refused, within=5)
    refresh = await person.refresh(elsewhere["refresh_token"])
    assert problem(refresh) == (401, "invalid-refresh-token")
    exchange = await person.client.post("/internal/token", json={"api_key": created["key"]})
    assert problem(exchange) == (401, "invalid-api-key")

    body = registration(email=person.user["email"], username=person.user["username"])
    again = await person.client.post("/api/v1/auth/register", json=body)
    assert again.status_code == 201
    assert again.json()["id"] != person.user["id"]


async def test_a_refused_deletion_announces_nothing(
    person: Any, recorded: Any, sessions: Sessions
) -> None:
    token = (await person.login())["access_token"]
    async with sessions() as session:
        before = await session.scalar(sa.select(sa.func.max(outbox.c.position)))
    for body in ({"password": "Wrong-Horse-7"}, {}, {"password": person.password, "force": True}):
        refused = await person.call("DELETE", "/me", token, json=body)
        assert refused.status_code in (403, 422)

    async with sessions() as session:
        assert await session.scalar(sa.select(sa.func.max(outbox.c.position))) == before
    assert (await person.call("GET", "/me", token)).json() == person.user
