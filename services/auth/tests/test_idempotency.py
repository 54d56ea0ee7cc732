"""What is created with an `Idempotency-Key` is created once, and no secret is kept with a key."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from auth.app import create_api
from auth.audit.models import Action, AuditEntry
from auth.housekeeping import jobs
from auth.reports.models import Report
from auth.settings import ApiSettings
from common.database import Sessions
from common.idempotency import KEPT, idempotency_keys
from common.outbox import outbox
from common.periodic import Periodic
from common.storage import Storage
from contracts import ReportRequested

ReadProblem = Callable[[httpx.Response], tuple[int, str]]

KEYED = {("post", "/api/v1/admin/reports/users"), ("post", "/api/v1/admin/roles")}
"""The operations that take a key. None of them answers with a secret."""

PERIOD = {"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"}


@pytest.fixture
async def admin(enroll: Any) -> Any:
    return await enroll("admin")


@pytest.fixture
def kept(sessions: Sessions) -> Callable[..., Any]:
    """Return the keys that are kept of somebody."""

    async def kept(member: Any) -> list[str]:
        mine = idempotency_keys.c.user_id == UUID(member.id)
        async with sessions() as session:
            return list(await session.scalars(sa.select(idempotency_keys.c.key).where(mine)))

    return kept


async def post(member: Any, path: str, body: object, key: str = "k") -> httpx.Response:
    token = member.tokens["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    answer: httpx.Response = await member.person.client.post(
        f"/api/v1{path}", json=body, headers=headers
    )
    return answer


async def test_a_role_is_defined_once(
    admin: Any, enroll: Any, problem: ReadProblem, sessions: Sessions
) -> None:
    role = {"name": f"r{uuid4().hex}", "permissions": ["documents:read"]}
    answers = await asyncio.gather(*(post(admin, "/admin/roles", role) for _ in range(10)))
    other = await post(admin, "/admin/roles", {**role, "permissions": []})
    somebody_else = await post(await enroll("admin"), "/admin/roles", role)

    assert {(answer.status_code, answer.content) for answer in answers} == {
        (201, answers[0].content)
    }
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert problem(other) == (422, "idempotency-key-reused")
    assert problem(somebody_else) == (409, "role-exists")
    defined = sa.select(AuditEntry.actor_id).where(
        AuditEntry.action == Action.ROLE_CREATED, AuditEntry.details["role"].astext == role["name"]
    )
    async with sessions() as session:
        assert (await session.scalars(defined)).all() == [UUID(admin.id)]


async def test_a_report_is_made_once(admin: Any, sessions: Sessions) -> None:
    answers = await asyncio.gather(
        *(post(admin, "/admin/reports/users", PERIOD) for _ in range(10))
    )

    assert len({(a.status_code, a.content, a.headers["location"]) for a in answers}) == 1
    assert answers[0].status_code == 202
    report_id = answers[0].json()["id"]
    asked = sa.select(sa.func.count()).where(
        outbox.c.routing_key == ReportRequested.name, outbox.c.data["report_id"].astext == report_id
    )
    async with sessions() as session:
        mine = sa.select(Report.id).where(Report.owner_id == UUID(admin.id))
        assert (await session.scalars(mine)).all() == [UUID(report_id)]
        assert await session.scalar(asked) == 1


async def test_who_is_no_administrator_any_more_is_not_answered_as_before(
    admin: Any, enroll: Any, problem: ReadProblem
) -> None:
    other = await enroll("admin")
    role = {"name": f"r{uuid4().hex}", "permissions": []}
    assert (await post(other, "/admin/roles", role)).status_code == 201
    await admin.ask("DELETE", f"/admin/users/{other.id}/roles/admin")
    await other.refresh()

    assert problem(await post(other, "/admin/roles", role)) == (403, "insufficient-permission")


async def test_an_answer_with_a_secret_is_not_kept(admin: Any, kept: Callable[..., Any]) -> None:
    wanted = {"name": "printer", "scopes": ["documents:read"]}
    created = [await post(admin, "/auth/api-keys", wanted) for _ in range(2)]

    assert [answer.status_code for answer in created] == [201, 201]
    assert created[0].json()["key"] != created[1].json()["key"]
    assert await kept(admin) == []


async def test_keys_of_the_day_before_are_forgotten(
    admin: Any, sessions: Sessions, settings: ApiSettings, kept: Callable[..., Any]
) -> None:
    for key in ("old", "new"):
        role = {"name": f"r{uuid4().hex}", "permissions": []}
        assert (await post(admin, "/admin/roles", role, key)).status_code == 201
    async with sessions.begin() as session:
        aged = sa.update(idempotency_keys).where(idempotency_keys.c.key == "old")
        await session.execute(aged.values(created_at=sa.func.now() - KEPT))
    storage = Storage(settings)
    table = jobs(
        vault=settings.vault, storage=storage, audit_kept=365 * KEPT, key_max_age=365 * KEPT
    )
    storage.close()
    await Periodic(sessions, table).turn("forget-expired")

    assert await kept(admin) == ["new"]


def test_openapi_names_the_header_where_it_counts_and_nowhere_else(settings: ApiSettings) -> None:
    keyed = {
        (method, path): operation["responses"]
        for path, operations in create_api(settings).openapi()["paths"].items()
        for method, operation in operations.items()
        if any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", []))
    }

    assert keyed.keys() == KEYED
    for responses in keyed.values():
        assert "`invalid-idempotency-key`" in responses["400"]["description"]
        assert "`idempotency-key-reused`" in responses["422"]["description"]
