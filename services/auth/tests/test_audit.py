"""The audit log: who did what, when, from where; and nothing that must stay secret."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from auth.audit.models import Action

ReadProblem = Callable[[httpx.Response], tuple[int, str]]

AGENT = "Quire-Test/1.0"
WRONG = "Wrong-Horse-7"


@pytest.fixture
async def admin(enroll: Any, client: httpx.AsyncClient) -> Any:
    client.headers["user-agent"] = AGENT
    return await enroll("admin")


async def read(reader: Any, **wanted: Any) -> list[dict[str, Any]]:
    """Return the entries that are wanted, the newest first."""
    response = await reader.ask("GET", f"/admin/audit?{httpx.QueryParams(wanted)}")
    assert response.status_code == 200, response.text
    entries: list[dict[str, Any]] = response.json()["items"]
    return entries


async def test_what_administrators_do_is_written_down(
    admin: Any, enroll: Any, client: httpx.AsyncClient
) -> None:
    member, began = await enroll(), datetime.now(UTC)
    user, account = f"/users/{member.id}", f"/admin/users/{member.id}"
    period = {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}
    done = [
        ("user.updated", ("PATCH", user, {"last_name": "Noether", "first_name": None})),
        ("role.granted", ("POST", f"{account}/roles/guest", None)),
        ("role.revoked", ("DELETE", f"{account}/roles/guest", None)),
        ("user.deactivated", ("POST", f"{account}/deactivate", None)),
        ("user.activated", ("POST", f"{account}/activate", None)),
        ("report.requested", ("POST", "/admin/reports/users", period)),
        ("user.deleted", ("DELETE", user, None)),
    ]
    answers = [await admin.ask(*request) for _, request in done]
    assert all(answer.is_success for answer in answers)
    entries = (await read(admin, actor_id=admin.id))[: len(done)][::-1]

    assert [entry["action"] for entry in entries] == [action for action, _ in done]
    report = answers[-2].json()["id"]
    for entry in entries:
        about_somebody = entry["action"] != "report.requested"
        assert entry["user_id"] == (member.id if about_somebody else None)
        assert entry["address"] == client.headers["x-forwarded-for"]
        assert entry["user_agent"] == AGENT
        assert began <= datetime.fromisoformat(entry["at"]) <= datetime.now(UTC)
    role = {"role": "guest"}
    assert [entry["details"] for entry in entries] == [
        *({"fields": ["first_name", "last_name"]}, role, role, {}, {}, {"report_id": report}, {})
    ]


async def test_the_address_is_the_one_that_the_gateway_saw(
    admin: Any, client: httpx.AsyncClient
) -> None:
    """It stands last, behind whatever a client has claimed to be."""
    seen = client.headers["x-forwarded-for"]
    client.headers["x-forwarded-for"] = f"203.0.113.9, 198.51.100.7, {seen}"
    await admin.ask("PATCH", f"/users/{admin.id}", {"first_name": "Ada"})

    assert (await read(admin, actor_id=admin.id))[0]["address"] == seen


async def test_what_people_do_with_their_own_accounts_is_written_down(
    admin: Any, enroll: Any
) -> None:
    member = await enroll()
    new = {"password": "Another-Horse-8", "password_confirm": "Another-Horse-8"}
    key = {"name": "printer", "scopes": ["documents:read"]}
    await member.ask("PATCH", "/auth/me", {"first_name": "Ada"})
    made = (await member.ask("POST", "/auth/api-keys", key)).json()
    await member.ask("POST", f"/auth/api-keys/{made['id']}/rotate")
    await member.ask("DELETE", f"/auth/api-keys/{made['id']}")
    change = {"current_password": member.person.password, **new}
    await member.ask("POST", "/auth/password/change", change)
    await member.ask("POST", "/auth/logout")
    entries = await read(admin, user_id=member.id)

    assert [entry["action"] for entry in entries] == [
        "session.revoked",
        "password.changed",
        "api_key.revoked",
        "api_key.rotated",
        "api_key.created",
        "user.updated",
        "login.succeeded",
        "user.registered",
    ]
    assert {entry["actor_id"] for entry in entries} == {member.id}
    assert {entry["user_agent"] for entry in entries} == {AGENT}


async def test_nothing_secret_and_nothing_typed_is_kept(
    admin: Any, enroll: Any, client: httpx.AsyncClient
) -> None:
    member = await enroll(first_name="Emmy")
    first, typed = dict(member.tokens), f"nobody-{uuid4().hex}"
    key = {"name": "printer", "scopes": ["documents:read"]}
    made = (await member.ask("POST", "/auth/api-keys", key)).json()
    for username in (member.person.user["username"], typed, f"{typed}@example.com"):
        body = {"username": username, "password": WRONG}
        assert (await client.post("/api/v1/auth/login", json=body)).status_code == 401
    await member.refresh()
    again = await client.post(
        "/api/v1/auth/refresh", json={"refresh_token": first["refresh_token"]}
    )
    assert again.status_code == 401
    await admin.ask("PATCH", f"/users/{member.id}", {"last_name": "Noether"})
    here = client.headers["x-forwarded-for"]
    entries = [each for each in await read(admin, page_size=100) if each["address"] == here]
    failed = [each for each in entries if each["action"] == "login.failed"]

    assert [(each["user_id"], each["actor_id"], each["details"]) for each in failed] == [
        *((None, None, {}), (None, None, {}), (member.id, None, {}))
    ]
    assert {"token.reused", "api_key.created"} <= {each["action"] for each in entries}
    secrets = [pair[kind] for pair in (first, member.tokens) for kind in pair if "_token" in kind]
    written = json.dumps(entries)
    for hidden in (member.person.password, WRONG, made["key"], typed, "Emmy", "Noether", *secrets):
        assert hidden not in written


async def test_the_log_is_read_by_what_is_wanted(admin: Any, enroll: Any) -> None:
    member = await enroll()
    await admin.ask("PATCH", f"/users/{member.id}", {"first_name": "Ada"})
    await member.ask("PATCH", "/auth/me", {"first_name": "Eve"})
    about = await read(admin, user_id=member.id)
    actions = [entry["action"] for entry in about]

    assert actions == ["user.updated", "user.updated", "login.succeeded", "user.registered"]
    assert await read(admin, user_id=member.id, actor_id=admin.id) == about[1:2]
    assert await read(admin, user_id=member.id, action=Action.LOGIN_SUCCEEDED) == about[2:3]
    assert await read(admin, user_id=member.id, since=about[1]["at"]) == about[:2], "included"
    assert await read(admin, user_id=member.id, until=about[1]["at"]) == about[2:], "not included"
    assert await read(admin, user_id=member.id, page=2, page_size=3) == about[3:]
    assert await read(admin, user_id=uuid4()) == []


@pytest.mark.parametrize(
    "query",
    [
        *("action=nothing", "user_id=me", "actor_id=0", "since=2026-01-01T00:00:00", "until=soon"),
        "since=0001-01-01T00:00:00%2B14:00",
        "until=9999-12-31T23:59:59-14:00",
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(
    admin: Any, problem: ReadProblem, query: str
) -> None:
    assert problem(await admin.ask("GET", f"/admin/audit?{query}")) == (422, "invalid-input")


async def test_the_log_is_for_who_may_read_it(enroll: Any, problem: ReadProblem) -> None:
    member, moderator = await enroll(), await enroll("moderator")
    refused = await member.ask("GET", "/admin/audit")

    assert problem(refused) == (403, "insufficient-permission")
    challenge = 'Bearer error="insufficient_scope", scope="audit:read"'
    assert refused.headers["www-authenticate"] == challenge
    assert await read(moderator, user_id=member.id) != []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_nobody_writes_to_the_log(admin: Any, problem: ReadProblem, method: str) -> None:
    assert problem(await admin.ask(method, "/admin/audit")) == (405, "method-not-allowed")
