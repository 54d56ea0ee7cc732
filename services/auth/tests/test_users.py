"""Accounts as administrators see, change, switch off and delete them."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from common.testing import eventually
from contracts import RevocationReason, SessionRevoked, UserDeleted

ReadProblem = Callable[[httpx.Response], tuple[int, str]]


@pytest.fixture
async def admin(enroll: Any) -> Any:
    return await enroll("admin")


async def names(admin: Any, query: str) -> list[str]:
    """Return the usernames on a page of the list."""
    response = await admin.ask("GET", f"/users?{query}")
    assert response.status_code == 200, response.text
    return [user["username"] for user in response.json()["items"]]


async def sign_in(member: Any, password: str | None = None) -> httpx.Response:
    body = {
        "username": member.person.user["username"],
        "password": password or member.person.password,
    }
    response: httpx.Response = await member.person.client.post("/api/v1/auth/login", json=body)
    return response


async def machine_token(member: Any) -> str:
    """Return the token that the gateway gets for an API key of somebody's."""
    new = {"name": "printer", "scopes": ["documents:read"]}
    key = (await member.ask("POST", "/auth/api-keys", new)).json()["key"]
    exchanged = await member.person.client.post("/internal/token", json={"api_key": key})
    token = str(exchanged.json()["access_token"])
    assert (await member.person.call("GET", "/me", token)).status_code == 200
    return token


async def test_accounts_are_found_by_what_is_known_of_them(admin: Any, register: Any) -> None:
    tag = f"t{uuid4().hex[:12]}"
    for number in range(3):
        await register(username=f"{tag}-{number}_x", email=f"{tag}+{number}@Example.org")
    people = (await admin.ask("GET", f"/users?name={tag}")).json()["items"]
    ids = [user["id"] for user in people]
    await admin.ask("POST", f"/admin/users/{ids[1]}/roles/moderator")
    await admin.ask("POST", f"/admin/users/{ids[2]}/deactivate")
    everyone = [f"{tag}-0_x", f"{tag}-1_x", f"{tag}-2_x"]

    assert [user["username"] for user in people] == everyone, "the oldest first"
    assert await names(admin, f"name={tag.upper()}") == everyone
    assert await names(admin, f"name={tag}-1_") == everyone[1:2]
    assert await names(admin, f"name={tag}%25") == [], "it is a part, and no pattern"
    assert await names(admin, f"name={tag}-__x") == []
    assert await names(admin, f"email={tag}%2B2@EXAMPLE") == everyone[2:]
    assert await names(admin, f"name={tag}&role=moderator") == everyone[1:2]
    assert await names(admin, f"name={tag}&role=nobody-has-it") == []
    assert await names(admin, f"name={tag}&active=false") == everyone[2:]
    assert await names(admin, f"name={tag}&active=true&role=user") == everyone[:2]
    listed = (await admin.ask("GET", f"/users?name={tag}-1_")).json()["items"][0]
    assert listed == {**people[1], "roles": ["moderator", "user"]}
    assert not listed.keys() & {"password_hash", "rights_version", "last_login_at"}


async def test_the_list_comes_in_pages(admin: Any, register: Any) -> None:
    tag = f"t{uuid4().hex[:12]}"
    for number in range(5):
        await register(username=f"{tag}-{number}")
    pages = [
        (await admin.ask("GET", f"/users?name={tag}&page={page}&page_size=2")).json()
        for page in (1, 2, 3, 4)
    ]

    assert [user["username"] for page in pages for user in page["items"]] == [
        f"{tag}-{number}" for number in range(5)
    ]
    assert {(page["total"], page["total_pages"], page["page_size"]) for page in pages} == {
        (5, 3, 2)
    }
    assert [(page["has_prev"], page["has_next"]) for page in pages] == [
        *((False, True), (True, True), (True, False), (True, False))
    ]


@pytest.mark.parametrize(
    "query",
    ["email=a%00", "name=a%00", "role=a%00", "active=perhaps", "page=0", "page_size=101"],
)
async def test_a_query_that_makes_no_sense_is_refused(
    admin: Any, problem: ReadProblem, query: str
) -> None:
    assert problem(await admin.ask("GET", f"/users?{query}")) == (422, "invalid-input")


async def test_one_sees_oneself_and_others_only_with_the_permission(
    enroll: Any, problem: ReadProblem
) -> None:
    member, other, moderator = await enroll(), await enroll(), await enroll("moderator")

    assert (await member.ask("GET", f"/users/{member.id}")).json() == member.person.user
    answers = [await member.ask("GET", f"/users/{each}") for each in (other.id, uuid4())]
    assert [problem(answer) for answer in answers] == [(404, "user-not-found")] * 2
    assert answers[0].json().keys() == answers[1].json().keys()
    assert answers[0].json()["detail"] == answers[1].json()["detail"]
    assert problem(await member.ask("GET", "/users")) == (403, "insufficient-permission")
    assert (await moderator.ask("GET", f"/users/{member.id}")).json() == member.person.user
    assert problem(await moderator.ask("GET", f"/users/{uuid4()}")) == (404, "user-not-found")
    refused = await moderator.ask("PATCH", f"/users/{member.id}", {"first_name": "Eve"})
    assert problem(refused) == (403, "insufficient-permission")
    assert 'scope="users:update"' in refused.headers["www-authenticate"]


async def test_an_administrator_changes_what_may_be_changed(
    admin: Any, enroll: Any, problem: ReadProblem
) -> None:
    member, other = await enroll(first_name="Ada", last_name="Byron"), await enroll()
    path = f"/users/{member.id}"
    username = f"p{uuid4().hex[:12]}"
    body = {"username": username, "first_name": None, "last_name": " Lovelace ", "language": "de"}
    changed = await admin.ask("PATCH", path, body)
    taken = await admin.ask(
        "PATCH", path, {"username": other.person.user["username"].upper(), "first_name": "Eve"}
    )

    assert changed.json() == {**member.person.user, **body, "last_name": "Lovelace"}
    assert problem(taken) == (409, "username-taken")
    assert (await admin.ask("GET", path)).json() == changed.json(), "nothing of it was done"
    assert not await member.is_refused()
    unknown = await admin.ask("PATCH", f"/users/{uuid4()}", {"first_name": "Eve"})
    assert problem(unknown) == (404, "user-not-found")


@pytest.mark.parametrize(
    "field",
    [
        *("id", "email", "password", "password_hash", "email_verified", "email_verified_at"),
        *("is_active", "roles", "permissions", "rights_version", "created_at", "last_login_at"),
    ],
)
async def test_nothing_else_can_be_slipped_in(admin: Any, problem: ReadProblem, field: str) -> None:
    before = (await admin.ask("GET", f"/users/{admin.id}")).json()
    for value in ("x", True, ["admin"], None):
        response = await admin.ask(
            "PATCH", f"/users/{admin.id}", {"first_name": "Eve", field: value}
        )
        assert problem(response) == (422, "invalid-input")
        assert [each["pointer"] for each in response.json()["errors"]] == [f"/body/{field}"]

    assert (await admin.ask("GET", f"/users/{admin.id}")).json() == before


async def test_who_is_switched_off_is_out_within_a_moment_and_can_come_back(
    admin: Any, enroll: Any, problem: ReadProblem, recorded: Any
) -> None:
    member = await enroll()
    token = await machine_token(member)
    path = f"/admin/users/{member.id}"
    for _ in range(2):  # once more is harmless, and no news
        off = await admin.ask("POST", f"{path}/deactivate")
        assert off.json() == {**member.person.user, "is_active": False}

    await eventually(member.is_refused, within=5)
    assert problem(await member.person.call("GET", "/me", token)) == (401, "unauthorized")
    assert problem(await member.refresh()) in {
        (401, "session-ended"),
        (403, "account-deactivated"),
    }
    assert problem(await sign_in(member)) == (403, "account-deactivated")
    assert problem(await sign_in(member, "Wrong-Horse-7")) == (401, "invalid-credentials")
    (event,) = await recorded(SessionRevoked.name, member.person)
    assert event["reason"] == RevocationReason.DEACTIVATED

    for _ in range(2):
        on = await admin.ask("POST", f"{path}/activate")
        assert on.json() == member.person.user
    assert await member.is_refused(), "the old session stays ended"
    member.tokens = (await sign_in(member)).json()
    assert not await member.is_refused()


async def test_who_is_deleted_is_gone_for_good(
    admin: Any, enroll: Any, problem: ReadProblem, recorded: Any, register: Any
) -> None:
    member = await enroll("moderator")
    token = await machine_token(member)
    path = f"/users/{member.id}"
    assert (await admin.ask("DELETE", path)).status_code == 204

    await eventually(member.is_refused, within=5)
    assert problem(await member.person.call("GET", "/me", token)) == (401, "unauthorized")
    assert problem(await member.refresh()) == (401, "invalid-refresh-token")
    assert problem(await sign_in(member)) == (401, "invalid-credentials")
    assert await recorded(UserDeleted.name, member.person) == [{"user_id": member.id}]
    for gone in (
        admin.ask("GET", path),
        admin.ask("DELETE", path),
        admin.ask("PATCH", path, {}),
        admin.ask("POST", f"/admin/users/{member.id}/activate"),
        admin.ask("POST", f"/admin/users/{member.id}/roles/user"),
    ):
        assert problem(await gone) == (404, "user-not-found")
    user = member.person.user
    again = await register(email=user["email"], username=user["username"])
    assert again.user["roles"] == ["user"], "the name is free, the roles are not passed on"
