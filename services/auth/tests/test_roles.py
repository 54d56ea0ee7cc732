"""Roles: what they permit, who may give them, and how soon it bites when one is taken away."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa
from auth.roles.models import Role
from common.database import Sessions
from common.testing import eventually
from contracts import OWN, Permission, UserRolesChanged

ReadProblem = Callable[[httpx.Response], tuple[int, str]]

MANAGE = ["users:delete", "users:manage_roles", "users:update"]


@pytest.fixture
async def admin(enroll: Any) -> Any:
    return await enroll("admin")


@pytest.fixture
def define(admin: Any) -> Any:
    """Define a role of these permissions and return its name."""

    async def define(*permissions: str) -> str:
        name = f"r{uuid4().hex}"
        body = {"name": name, "permissions": permissions}
        assert (await admin.ask("POST", "/admin/roles", body)).status_code == 201
        return name

    return define


def holds(member: Any, role: str) -> str:
    return f"/admin/users/{member.id}/roles/{role}"


async def test_the_built_in_roles_permit_what_the_contracts_know(
    admin: Any, sessions: Sessions
) -> None:
    listed = {role["name"]: role for role in (await admin.ask("GET", "/admin/roles")).json()}
    known = (await admin.ask("GET", "/admin/permissions")).json()
    async with sessions() as session:
        stored = set(await session.scalars(sa.select(sa.func.unnest(Role.permissions))))

    assert stored == {each["name"] for each in known} == set(Permission)
    assert all(each["description"].endswith(".") for each in known)
    assert {name for name in listed if listed[name]["built_in"]} == {
        *("admin", "moderator", "user", "guest")
    }
    assert set(listed["admin"]["permissions"]) == set(Permission)
    assert set(listed["user"]["permissions"]) == OWN
    assert set(listed["moderator"]["permissions"]) == OWN | {"audit:read", "users:read"}
    assert set(listed["guest"]["permissions"]) == {"documents:read", "events:read"}


async def test_a_role_is_defined_changed_and_deleted(admin: Any, problem: ReadProblem) -> None:
    path = f"/admin/roles/r{uuid4().hex}"
    name = path.rpartition("/")[2]
    body = {"name": name, "description": "Reads.", "permissions": ["ocr:run", "documents:read"]}
    created = await admin.ask("POST", "/admin/roles", body)
    again = await admin.ask("POST", "/admin/roles", body)
    changed = await admin.ask("PATCH", path, {"permissions": ["audit:read"], "description": None})
    listed = (await admin.ask("GET", "/admin/roles")).json()
    deleted = await admin.ask("DELETE", path)

    assert created.status_code == 201
    role = {**body, "permissions": ["documents:read", "ocr:run"], "built_in": False}
    assert created.json() == role
    assert problem(again) == (409, "role-exists")
    assert changed.json() == {**role, "permissions": ["audit:read"]}
    assert changed.json() in listed
    assert deleted.status_code == 204
    for gone in (admin.ask("DELETE", path), admin.ask("PATCH", path, {})):
        assert problem(await gone) == (404, "role-not-found")


@pytest.mark.parametrize(
    ("method", "path", "body", "answer"),
    [
        ("PATCH", "/admin/roles/guest", {"permissions": []}, "409 role-built-in"),
        ("DELETE", "/admin/roles/user", None, "409 role-built-in"),
        ("POST", "/admin/roles", {"name": "admin", "permissions": []}, "409 role-exists"),
        ("POST", "/admin/users/{user}/roles/nobody-has-it", None, "404 role-not-found"),
        ("DELETE", "/admin/users/{user}/roles/nobody-has-it", None, "404 role-not-found"),
        ("POST", "/admin/users/{nobody}/roles/guest", None, "404 user-not-found"),
        ("DELETE", "/admin/users/{nobody}/roles/guest", None, "404 user-not-found"),
        ("POST", "/admin/roles", {"name": "fly", "permissions": ["fly"]}, "422 invalid-input"),
        ("POST", "/admin/roles", {"name": "Fly", "permissions": []}, "422 invalid-input"),
        ("POST", "/admin/roles", {"name": "fly\n", "permissions": []}, "422 invalid-input"),
        ("DELETE", "/admin/roles/a%00", None, "422 invalid-input"),
        ("POST", "/admin/users/{user}/roles/a%00", None, "422 invalid-input"),
    ],
)
async def test_what_cannot_be_done_with_a_role(
    enroll: Any, method: str, path: str, body: Any, answer: str
) -> None:
    admin = await enroll("admin")
    response = await admin.ask(method, path.format(user=admin.id, nobody=uuid4()), body)
    slug = response.json()["type"].removeprefix("urn:quire:problem:")

    assert f"{response.status_code} {slug}" == answer


async def test_a_granted_role_comes_with_the_next_token(
    admin: Any, enroll: Any, define: Any, recorded: Any
) -> None:
    member, role = await enroll(), await define("audit:read")
    for _ in range(2):  # once more is harmless, and no news
        granted = await admin.ask("POST", holds(member, role))
        assert granted.json() == {**member.person.user, "roles": sorted(["user", role])}

    assert (await member.ask("GET", "/admin/audit")).status_code == 403
    assert (await member.refresh()).status_code == 200
    assert set(member.claims["roles"]) == {"user", role}
    assert set(member.claims["permissions"]) == OWN | {"audit:read"}
    assert (await member.ask("GET", "/admin/audit")).status_code == 200
    (event,) = await recorded(UserRolesChanged.name, member.person)
    assert set(event["roles"]) == {"user", role}
    assert event["recipient"]["email"] == member.person.user["email"]


async def test_a_revoked_role_is_gone_within_a_moment(
    admin: Any, enroll: Any, define: Any, recorded: Any
) -> None:
    role = await define("audit:read")
    member, bystander = await enroll(role), await enroll(role)
    for _ in range(2):
        revoked = await admin.ask("DELETE", holds(member, role))
        assert revoked.json()["roles"] == ["user"]

    await eventually(member.is_refused, within=5)
    assert (await member.refresh()).status_code == 200
    assert not await member.is_refused()
    assert set(member.claims["permissions"]) == OWN
    assert not await bystander.is_refused()
    assert len(await recorded(UserRolesChanged.name, member.person)) == 1


async def test_a_role_that_shrinks_bites_within_a_moment_one_that_grows_waits(
    admin: Any, enroll: Any, define: Any
) -> None:
    role = await define("audit:read", "ocr:run")
    member = await enroll(role)
    before = member.claims
    await admin.ask("PATCH", f"/admin/roles/{role}", {"permissions": ["audit:read", "users:read"]})
    await eventually(member.is_refused, within=5)
    await member.refresh()
    shrunk = member.claims
    await admin.ask("PATCH", f"/admin/roles/{role}", {"permissions": ["audit:read", *MANAGE]})
    await eventually(member.is_refused, within=5)
    await member.refresh()
    grow = {"permissions": ["audit:read", "users:read", *MANAGE], "description": "More."}
    assert (await admin.ask("PATCH", f"/admin/roles/{role}", grow)).status_code == 200

    assert set(shrunk["permissions"]) == OWN | {"audit:read", "users:read"}
    assert shrunk["ver"] == before["ver"] + 1
    assert not await member.is_refused()
    await member.refresh()
    assert member.claims["ver"] == before["ver"] + 2
    assert set(member.claims["permissions"]) == OWN | set(grow["permissions"])


async def test_nobody_holds_a_role_that_was_deleted(
    admin: Any, enroll: Any, define: Any, recorded: Any
) -> None:
    role = await define("audit:read")
    members = [await enroll(role) for _ in range(3)]
    assert (await admin.ask("DELETE", f"/admin/roles/{role}")).status_code == 204

    for member in members:
        await eventually(member.is_refused, within=5)
        await member.refresh()
        assert member.claims["roles"] == ["user"]
        (event,) = await recorded(UserRolesChanged.name, member.person)
        assert event["roles"] == ["user"]


async def test_nobody_reaches_beyond_their_own_permissions(
    admin: Any, enroll: Any, define: Any, problem: ReadProblem
) -> None:
    strong, own = await define("audit:read"), await define(*MANAGE)
    manager, above, off = await enroll(own), await enroll(strong), await enroll(strong)
    assert (await admin.ask("POST", f"/admin/users/{off.id}/deactivate")).status_code == 200
    attempts: list[tuple[str, str, object]] = [
        ("POST", holds(manager, "admin"), None),
        ("POST", holds(above, "admin"), None),
        ("POST", holds(manager, strong), None),
        ("DELETE", holds(above, strong), None),
        ("DELETE", holds(admin, "admin"), None),
        ("POST", "/admin/roles", {"name": f"r{uuid4().hex}", "permissions": ["audit:read"]}),
        ("PATCH", f"/admin/roles/{own}", {"permissions": [*MANAGE, "audit:read"]}),
        ("PATCH", f"/admin/roles/{strong}", {"permissions": []}),
        ("PATCH", f"/admin/roles/{strong}", {"description": "Mine."}),
        ("DELETE", f"/admin/roles/{strong}", None),
        ("POST", f"/admin/users/{above.id}/deactivate", None),
        ("POST", f"/admin/users/{off.id}/activate", None),
        ("PATCH", f"/users/{above.id}", {"username": f"p{uuid4().hex}"}),
        ("DELETE", f"/users/{above.id}", None),
        ("DELETE", f"/users/{admin.id}", None),
    ]
    for method, path, body in attempts:
        refused = problem(await manager.ask(method, path, body))
        assert (method, path, *refused) == (method, path, 403, "exceeds-own-permissions")

    within = {"name": f"r{uuid4().hex}", "permissions": ["users:manage_roles"]}
    assert (await manager.ask("POST", "/admin/roles", within)).status_code == 201
    log = (await admin.ask("GET", f"/admin/audit?actor_id={manager.id}")).json()["items"]
    assert [entry["action"] for entry in log][:2] == ["role.created", "login.succeeded"]


async def test_changes_at_the_same_moment_wait_for_each_other(
    admin: Any, enroll: Any, define: Any
) -> None:
    """Each locks roles and accounts: in different orders they would wait in a circle."""
    roles = [await define("audit:read") for _ in range(2)]
    members = [await enroll(*roles) for _ in range(2)]
    for turn in range(4):
        permissions = ["audit:read"] if turn % 2 else []
        responses = await asyncio.gather(
            *(admin.ask("PATCH", f"/admin/roles/{r}", {"permissions": permissions}) for r in roles),
            *(admin.ask("DELETE", holds(member, role)) for member in members for role in roles),
            *(admin.ask("POST", holds(member, role)) for member in members for role in roles),
            *(admin.ask("DELETE", holds(member, "admin")) for member in members),
            *(admin.ask("POST", f"/admin/users/{m.id}/deactivate") for m in members),
            *(admin.ask("POST", f"/admin/users/{m.id}/activate") for m in members),
        )
        assert {response.status_code for response in responses} == {200}


async def test_everything_about_roles_is_in_the_log(admin: Any, enroll: Any, define: Any) -> None:
    member, role = await enroll(), await define("audit:read")
    await admin.ask("PATCH", f"/admin/roles/{role}", {"permissions": ["users:read"]})
    for method in ("POST", "POST", "DELETE", "DELETE"):
        await admin.ask(method, holds(member, role))
    await admin.ask("DELETE", f"/admin/roles/{role}")
    log = (await admin.ask("GET", f"/admin/audit?actor_id={admin.id}")).json()["items"]

    assert [(entry["action"], entry["user_id"], entry["details"]) for entry in log[:5]] == [
        ("role.deleted", None, {"role": role}),
        ("role.revoked", member.id, {"role": role}),
        ("role.granted", member.id, {"role": role}),
        ("role.updated", None, {"role": role, "permissions": ["users:read"]}),
        ("role.created", None, {"role": role}),
    ]
