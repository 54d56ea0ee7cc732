"""Reports: asked for, made by the worker in the object storage, and fetched when they are done."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from auth.app import create_api
from auth.audit.models import Action, AuditEntry
from auth.reports.maker import ReportMaker
from auth.reports.table import HEADER
from auth.settings import ApiSettings
from auth.users.models import User
from common.database import Sessions, open_database, transaction
from common.outbox import outbox
from common.storage import Storage
from common.testing import serving
from contracts import ReportCompleted, ReportProgress, ReportRequested

ReadProblem = Callable[[httpx.Response], tuple[int, str]]

REPORTS = "/admin/reports"
SINCE = datetime(2026, 3, 1, tzinfo=UTC)
UNTIL = datetime(2026, 4, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
PERIOD = {"from": SINCE.isoformat(), "to": UNTIL.isoformat()}


@pytest.fixture
async def sessions(own_settings: ApiSettings) -> AsyncIterator[Sessions]:
    """The database of this module, where nobody is."""
    async with open_database(own_settings.database_url.get_secret_value()) as (_, sessions):
        async with transaction(sessions) as session:
            for table in ("users", "reports", "audit_log", "outbox"):
                await session.execute(sa.text(f"DELETE FROM {table}"))
        yield sessions


@pytest.fixture(scope="module")
async def url(own_settings: ApiSettings) -> AsyncIterator[str]:
    async with serving(create_api(own_settings)) as url:
        yield url


@pytest.fixture
def storage(own_settings: ApiSettings) -> Any:
    storage = Storage(own_settings)
    yield storage
    storage.close()


@pytest.fixture
def make(sessions: Sessions, storage: Storage) -> Any:
    """Do what the worker does about a report that was asked for."""
    maker = ReportMaker(sessions, storage)

    async def make(report: dict[str, Any], *, give_up: bool = False) -> None:
        event = ReportRequested(report_id=UUID(report["id"]))
        if give_up:
            await maker.give_up(event, RuntimeError("for tests"))
        else:
            envelope: Any = None
            await maker.make(event, envelope)

    return make


@pytest.fixture
async def admin(enroll: Any) -> Any:
    return await enroll("admin")


async def request(admin: Any, **changes: Any) -> dict[str, Any]:
    response = await admin.ask("POST", f"{REPORTS}/users", {**PERIOD, **changes})
    assert response.status_code == 202, response.text
    report: dict[str, Any] = response.json()
    return report


async def events(sessions: Sessions, report: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the data of the events about a report by their names, the oldest first."""
    query = sa.select(outbox.c.routing_key, outbox.c.data).order_by(outbox.c.position)
    found: dict[str, list[dict[str, Any]]] = {}
    async with sessions() as session:
        for name, data in await session.execute(query):
            if data.get("report_id") == report["id"]:
                found.setdefault(name, []).append(data)
    return found


def make_user(email: str, username: str, *, created_at: datetime = SINCE, **more: Any) -> User:
    values = {"password_hash": "x", "is_active": True, "language": "en", **more}
    return User(id=uuid4(), email=email, username=username, created_at=created_at, **values)


def happened(user: User, action: Action, *moments: datetime) -> list[AuditEntry]:
    return [AuditEntry(at=at, action=action, user_id=user.id, details={}) for at in moments]


async def test_a_report_is_queued_with_its_event(
    admin: Any, sessions: Sessions, problem: ReadProblem
) -> None:
    response = await admin.ask("POST", f"{REPORTS}/users", PERIOD)
    report = response.json()

    assert response.status_code == 202
    assert response.headers["location"] == f"/api/v1{REPORTS}/{report['id']}"
    assert (report["status"], report["progress"], report["rows"]) == ("queued", 0, 0)
    assert (report["from"], report["to"]) == ("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z")
    assert (await admin.ask("GET", f"{REPORTS}/{report['id']}")).json() == report
    download = await admin.ask("GET", f"{REPORTS}/{report['id']}/download")
    assert problem(download) == (409, "report-not-ready")
    assert await events(sessions, report) == {ReportRequested.name: [{"report_id": report["id"]}]}


@pytest.mark.parametrize(
    "changes",
    [
        {"from": PERIOD["to"], "to": PERIOD["from"]},
        {"to": PERIOD["from"]},
        {"from": "2026-03-01T00:00:00"},
        {"to": None},
        {"from": "0001-01-01T00:00:00+14:00"},
        {"mail": "perhaps"},
    ],
    ids=str,
)
async def test_what_is_no_period_is_refused(
    admin: Any, problem: ReadProblem, changes: dict[str, Any]
) -> None:
    refused = await admin.ask("POST", f"{REPORTS}/users", {**PERIOD, **changes})

    assert problem(refused) == (422, "invalid-input")


async def test_the_table_counts_what_happened_in_the_period(
    admin: Any, sessions: Sessions, make: Any
) -> None:
    """From its first moment, which is included, to its last, which is not."""
    ada = make_user("ada@example.com", "ada", email_verified_at=SINCE, last_login_at=UNTIL)
    eve = make_user("+cmd|' /C calc'!A0@example.com", "eve", created_at=UNTIL - MOMENT)
    odd = make_user('=1+1,"x"@example.com', "odd", is_active=False)
    late = make_user("late@example.com", "late", created_at=UNTIL)
    middle = SINCE + timedelta(days=7)
    async with transaction(sessions) as session:
        session.add_all([ada, eve, odd, late])
        session.add_all(happened(ada, Action.LOGIN_SUCCEEDED, SINCE - MOMENT, SINCE, middle))
        session.add_all(happened(ada, Action.LOGIN_FAILED, UNTIL - MOMENT, UNTIL))
        session.add_all(happened(ada, Action.PASSWORD_CHANGED, UNTIL))
        session.add_all(happened(eve, Action.PASSWORD_RESET, middle))
        session.add_all(happened(eve, Action.API_KEY_CREATED, middle, middle))
        session.add_all(happened(eve, Action.SESSION_REVOKED, middle, middle, middle))
        session.add_all(happened(eve, Action.USER_UPDATED, middle))
        session.add_all(happened(late, Action.LOGIN_SUCCEEDED, middle))
        session.add(AuditEntry(at=middle, action=Action.LOGIN_FAILED, user_id=None, details={}))
        await session.flush()
        await session.execute(
            sa.text("INSERT INTO user_roles VALUES (:id, 'user'), (:id, 'guest')"), {"id": ada.id}
        )
    report = await request(admin)
    await make(report)
    path = f"{REPORTS}/{report['id']}"
    download = await admin.ask("GET", f"{path}/download")
    lines = list(csv.reader(io.StringIO(download.text, newline="")))

    assert download.headers["content-type"] == "text/csv; charset=utf-8"
    name = f'attachment; filename="user-activity-{report["id"]}.csv"'
    assert download.headers["content-disposition"] == name
    assert lines[0] == list(HEADER)
    people: list[list[object]] = [
        [
            *(ada.id, "ada@example.com", "ada", True, True, "guest user", SINCE.isoformat()),
            *(UNTIL.isoformat(), 2, 1, 0, 0, 0, 0),
        ],
        [
            *(eve.id, "'+cmd|' /C calc'!A0@example.com", "eve", True, False, ""),
            *((UNTIL - MOMENT).isoformat(), "", 0, 0, 0, 1, 2, 3),
        ],
        [
            *(odd.id, '\'=1+1,"x"@example.com', "odd", False, False, "", SINCE.isoformat(), ""),
            *(0, 0, 0, 0, 0, 0),
        ],
    ]
    assert lines[1:] == sorted([str(cell) for cell in line] for line in people)
    done = (await admin.ask("GET", path)).json()
    assert (done["status"], done["progress"], done["rows"]) == ("completed", 100, 3)
    assert done["completed_at"] > report["created_at"]


async def test_many_users_take_several_steps_and_the_progress_never_falls(
    admin: Any, sessions: Sessions, make: Any, storage: Storage
) -> None:
    async with transaction(sessions) as session:
        session.add_all(make_user(f"p{n}@example.com", f"p{n}") for n in range(2500))
    report = await request(admin)
    await make(report)
    found = await events(sessions, report)
    table = await storage.get(f"reports/{report['id']}.csv")
    lines = list(csv.reader(io.StringIO(table.decode(), newline="")))

    assert [event["progress"] for event in found[ReportProgress.name]] == [40, 80, 99]
    (completed,) = found[ReportCompleted.name]
    assert completed["rows"] == 2500
    assert len({line[0] for line in lines[1:]}) == len(lines) - 1 == 2500


async def test_a_report_that_is_made_twice_is_the_same_and_complete_once(
    admin: Any, sessions: Sessions, make: Any, storage: Storage
) -> None:
    """The event comes again, to another worker at the same moment, or later."""
    async with transaction(sessions) as session:
        session.add_all(make_user(f"p{n}@example.com", f"p{n}") for n in range(1500))
    report = await request(admin)
    await asyncio.gather(make(report), make(report))
    table = await storage.get(f"reports/{report['id']}.csv")
    done = (await admin.ask("GET", f"{REPORTS}/{report['id']}")).json()
    async with transaction(sessions) as session:
        session.add(make_user("new@example.com", "new"))
    await make(report)
    await make(report, give_up=True)
    found = await events(sessions, report)

    assert table == await storage.get(f"reports/{report['id']}.csv")
    assert (await admin.ask("GET", f"{REPORTS}/{report['id']}")).json() == done
    assert [event["progress"] for event in found[ReportProgress.name]] == [66, 99]
    assert [(e["rows"], e["error"]) for e in found[ReportCompleted.name]] == [(1500, None)]


async def test_who_wants_a_mail_gets_one(admin: Any, sessions: Sessions, make: Any) -> None:
    silent, mailed = await request(admin), await request(admin, mail=True)
    await make(silent)
    await make(mailed, give_up=True)
    user = admin.person.user
    ((first,), (second,)) = [
        (await events(sessions, report))[ReportCompleted.name] for report in (silent, mailed)
    ]

    assert first["recipient"] is None
    assert second["recipient"] == {
        "email": user["email"],
        "username": user["username"],
        "language": user["language"],
    }
    assert {first["owner_id"], second["owner_id"]} == {admin.id}
