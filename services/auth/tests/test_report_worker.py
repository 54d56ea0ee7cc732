"""Reports and links as the worker makes them, over the real broker; and what can go wrong there."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import aio_pika
import httpx
import pytest
import sqlalchemy as sa
from auth.app import create_api, create_worker
from auth.consumers import LINKS, REPORTS
from auth.reports.maker import ReportMaker
from auth.settings import ApiSettings, WorkerSettings
from common.broker import declare, declare_exchange
from common.database import Sessions, open_database
from common.envelope import open_message
from common.outbox import outbox
from common.storage import Storage
from common.testing import eventually, serving
from contracts import (
    ReportCompleted,
    ReportProgress,
    ReportRequested,
    UserPasswordResetRequested,
    UserRegistered,
)
from pydantic import SecretStr

ReadProblem = Callable[[httpx.Response], tuple[int, str]]

PATH = "/admin/reports"
_NO_ENVELOPE: Any = None  # the maker does not look at it
PERIOD = {"from": "2026-03-01T00:00:00Z", "to": "2126-04-01T00:00:00Z"}


@pytest.fixture
async def sessions(own_settings: ApiSettings) -> AsyncIterator[Sessions]:
    async with open_database(own_settings.database_url.get_secret_value()) as (_, sessions):
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
def worker_settings(own_settings: ApiSettings, amqp_url: str) -> WorkerSettings:
    shared = own_settings.model_dump(include=set(WorkerSettings.model_fields))
    return WorkerSettings.model_validate({**shared, "amqp_url": SecretStr(amqp_url)})


@pytest.fixture
async def heard(amqp_url: str) -> AsyncIterator[list[Any]]:
    """What was published, as somebody hears it who wants everything."""
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        for own in (LINKS, REPORTS):  # else what the relay sends first would reach only us
            await declare(channel, own)
        queue = await channel.declare_queue("everything", exclusive=True)
        await queue.bind(await declare_exchange(channel), routing_key="#")
        events: list[Any] = []

        async def hear(message: Any) -> None:
            events.append(open_message(message)[1])

        await queue.consume(hear, no_ack=True)
        yield events


@pytest.fixture
async def admin(enroll: Any) -> Any:
    return await enroll("admin")


async def request(admin: Any, **changes: Any) -> str:
    """Ask for a report and return its path."""
    response = await admin.ask("POST", f"{PATH}/users", {**PERIOD, **changes})
    assert response.status_code == 202, response.text
    return f"{PATH}/{response.json()['id']}"


def id_of(path: str) -> UUID:
    return UUID(path.rpartition("/")[2])


async def test_the_worker_makes_reports_and_mails_links(
    admin: Any, worker_settings: WorkerSettings, heard: list[Any]
) -> None:
    path, user = await request(admin, mail=True), admin.person.user
    for email in (user["email"].upper(), "nobody@example.com"):
        asked = await admin.person.client.post(
            "/api/v1/auth/password/reset-request", json={"email": email}
        )
        assert asked.status_code == 202

    async def completed() -> list[ReportCompleted]:
        return [event for event in heard if isinstance(event, ReportCompleted)]

    async def mailed() -> list[UserPasswordResetRequested]:
        return [event for event in heard if isinstance(event, UserPasswordResetRequested)]

    async with serving(create_worker(worker_settings)) as worker:
        (report,) = await eventually(completed)
        (link,) = await eventually(mailed)
        ready = (await admin.person.client.get(f"{worker}/readyz")).json()
    download = await admin.ask("GET", f"{path}/download")

    assert ready["checks"] == {"database": "ok", "broker": "ok"}
    assert (report.report_id, report.error, report.recipient) == (id_of(path), None, link.recipient)
    assert ReportProgress(report_id=id_of(path), owner_id=admin.id, progress=99) in heard
    assert user["username"] in download.text
    assert len(download.text.splitlines()) == report.rows + 1
    registered = next(event for event in heard if isinstance(event, UserRegistered))
    assert link.sealed_link != registered.sealed_link
    secret = worker_settings.seal.decrypt(link.sealed_link).decode()
    new = {"password": "Another-Horse-8", "password_confirm": "Another-Horse-8"}
    reset = await admin.person.client.post(
        "/api/v1/auth/password/reset", json={"token": secret, **new}
    )
    assert reset.status_code == 204


async def test_a_report_is_its_owners_and_not_another_administrators(
    admin: Any, enroll: Any, sessions: Sessions, storage: Storage, problem: ReadProblem
) -> None:
    other = await enroll("admin")
    path = await request(admin)
    await ReportMaker(sessions, storage).make(ReportRequested(report_id=id_of(path)), _NO_ENVELOPE)

    for somebody_elses in (path, f"{path}/download"):
        assert (await admin.ask("GET", somebody_elses)).status_code == 200
        assert problem(await other.ask("GET", somebody_elses)) == (404, "report-not-found")
    for unknown in (f"{PATH}/{uuid4()}", f"{PATH}/{uuid4()}/download"):
        assert problem(await other.ask("GET", unknown)) == (404, "report-not-found")


async def test_a_report_that_cannot_be_made_says_so(
    admin: Any, sessions: Sessions, storage: Storage, problem: ReadProblem
) -> None:
    path = await request(admin)
    maker, event = ReportMaker(sessions, storage), ReportRequested(report_id=id_of(path))
    for _ in range(2):
        await maker.give_up(event, RuntimeError("SELECT secret FROM somewhere"))
    await maker.make(event, _NO_ENVELOPE)  # too late: what was announced stays true
    report = (await admin.ask("GET", path)).json()

    assert (report["status"], report["progress"], report["rows"]) == ("failed", 100, 0)
    assert report["error"]["type"] == "urn:quire:problem:report-failed"
    assert "secret" not in str(report)
    refused = await admin.ask("GET", f"{path}/download")
    assert problem(refused) == (409, "report-not-ready")
    async with sessions() as session:
        told = await session.scalars(
            sa.select(outbox.c.data["error"]["type"].astext).where(
                outbox.c.routing_key == ReportCompleted.name,
                outbox.c.data["report_id"].astext == str(id_of(path)),
            )
        )
    assert told.all() == ["urn:quire:problem:report-failed"]


async def test_a_table_that_is_gone_is_not_found(
    admin: Any, sessions: Sessions, storage: Storage, problem: ReadProblem
) -> None:
    path = await request(admin)
    await ReportMaker(sessions, storage).make(ReportRequested(report_id=id_of(path)), _NO_ENVELOPE)
    await storage.delete(f"reports/{id_of(path)}.csv")

    refused = await admin.ask("GET", f"{path}/download")
    assert problem(refused) == (404, "report-not-found")
