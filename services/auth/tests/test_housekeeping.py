"""What is over is forgotten after a while, what is alive is not."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from auth import housekeeping
from auth.api_keys.models import ApiKey
from auth.app import create_api
from auth.audit.models import AuditEntry
from auth.base import Base, now
from auth.links.models import EmailLink
from auth.opaque import digest
from auth.reports.models import Report
from auth.revocations.models import Revocation
from auth.sessions.models import RefreshToken, UserSession
from auth.settings import ApiSettings
from auth.users.models import User
from common.database import Sessions, open_database, transaction
from common.inbox import inbox
from common.periodic import Job, Periodic, periodic
from common.storage import Storage
from common.testing import serving

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
MONTH = 30 * DAY
YEAR = 365 * DAY


@pytest.fixture
async def sessions(own_settings: ApiSettings) -> AsyncIterator[Sessions]:
    """The database of this module, where nothing has been tidied up yet."""
    async with open_database(own_settings.database_url.get_secret_value()) as (_, sessions):
        async with transaction(sessions) as session:
            await session.execute(sa.delete(periodic))
        yield sessions


@pytest.fixture(scope="module")
async def url(own_settings: ApiSettings) -> AsyncIterator[str]:
    async with serving(create_api(own_settings)) as url:
        yield url


@pytest.fixture
def storage(own_settings: ApiSettings) -> Iterator[Storage]:
    storage = Storage(own_settings)
    yield storage
    storage.close()


@pytest.fixture
def worker(own_settings: ApiSettings, sessions: Sessions, storage: Storage) -> Periodic:
    """A worker's periodic jobs."""
    jobs = housekeeping.jobs(
        vault=own_settings.vault, storage=storage, audit_kept=YEAR, key_max_age=90 * DAY
    )
    return Periodic(sessions, jobs)


@pytest.fixture
async def user_id(register: Any) -> UUID:
    return UUID((await register()).user["id"])


async def remaining(sessions: Sessions, *rows: Base) -> list[Base]:
    """Return which of the rows are still in the database."""
    async with sessions() as session:
        return [row for row in rows if await session.get(type(row), sa.inspect(row).identity)]


def make_session(user_id: UUID, *, expires: timedelta, revoked: timedelta | None) -> UserSession:
    return UserSession(
        id=uuid4(),
        user_id=user_id,
        created_at=now() - YEAR,
        last_seen_at=now() - YEAR,
        expires_at=now() + expires,
        idle_until=now() + expires,
        revoked_at=now() + revoked if revoked else None,
    )


async def test_sessions_go_with_their_refresh_tokens_a_month_after_their_end(
    sessions: Sessions, worker: Periodic, user_id: UUID
) -> None:
    kept = [
        make_session(user_id, expires=DAY, revoked=None),
        make_session(user_id, expires=-MONTH + MINUTE, revoked=None),
        make_session(user_id, expires=DAY, revoked=-DAY),
        make_session(user_id, expires=DAY, revoked=-MONTH + MINUTE),
    ]
    gone = [
        make_session(user_id, expires=-MONTH - MINUTE, revoked=None),
        make_session(user_id, expires=DAY, revoked=-MONTH - MINUTE),
    ]
    # However old a spent one is: as long as its session is known, it shows a theft.
    spent = {"issued_at": now() - YEAR, "spent_at": now() - YEAR}
    tokens = [RefreshToken(digest=s.id.bytes, session_id=s.id, **spent) for s in (*kept, *gone)]
    async with transaction(sessions) as session:
        session.add_all([*kept, *gone])
        await session.flush()
        session.add_all(tokens)
    assert await worker.turn("forget-expired")

    assert await remaining(sessions, *kept, *gone) == kept
    assert await remaining(sessions, *tokens) == tokens[: len(kept)]


async def test_a_stolen_token_is_noticed_though_its_session_ended_yesterday(
    sessions: Sessions, worker: Periodic, enroll: Any, problem: Any
) -> None:
    member = await enroll()
    stolen = member.tokens["refresh_token"]
    await member.refresh()
    async with transaction(sessions) as session:
        await session.execute(
            sa.update(UserSession)
            .where(UserSession.user_id == UUID(member.id))
            .values(revoked_at=now() - DAY, expires_at=now() - DAY)
        )
    await worker.turn("forget-expired")

    assert problem(await member.person.refresh(stolen)) == (401, "refresh-token-reused")


async def test_what_else_is_over_goes_and_what_lives_stays(
    sessions: Sessions, worker: Periodic, user_id: UUID
) -> None:
    def link(age: timedelta) -> EmailLink:
        values = {"purpose": "verify_email", "email": "ada@example.com"}
        return EmailLink(
            digest=digest(str(uuid4())), user_id=user_id, expires_at=now() - age, **values
        )

    def key(**times: timedelta) -> ApiKey:
        made = ApiKey(user_id=user_id, name="printer", scopes=["documents:read"])
        made.renew()
        for name, age in times.items():
            setattr(made, name, now() - age)
        return made

    def entry(age: timedelta) -> AuditEntry:
        return AuditEntry(at=now() - age, action="login.failed", details={})

    kept = [
        link(-DAY),
        link(DAY - MINUTE),
        key(),
        key(expires_at=-DAY),
        key(expires_at=MONTH - MINUTE),
        key(revoked_at=MONTH - MINUTE),
        Revocation(user_id=user_id, version=1, at=now() - 2 * HOUR + MINUTE),
        entry(YEAR - MINUTE),
    ]
    gone = [
        link(DAY + MINUTE),
        key(expires_at=MONTH + MINUTE),
        key(revoked_at=MONTH + MINUTE),
        Revocation(user_id=user_id, version=1, at=now() - 2 * HOUR - MINUTE),
        entry(YEAR + MINUTE),
    ]
    async with transaction(sessions) as session:
        session.add_all([*kept, *gone])
        for name, age in (("new", MONTH - MINUTE), ("old", MONTH + MINUTE)):
            values = {"source": "tests", "id": f"{name} {user_id}", "received_at": now() - age}
            await session.execute(sa.insert(inbox).values(values))
    await worker.turn("forget-expired")

    assert await remaining(sessions, *kept, *gone) == kept
    async with sessions() as session:
        seen = sa.select(inbox.c.id).where(inbox.c.id.contains(str(user_id)))
        assert (await session.scalars(seen)).all() == [f"new {user_id}"]


async def test_reports_go_with_their_tables(
    sessions: Sessions, worker: Periodic, storage: Storage, user_id: UUID
) -> None:
    """After a month, or when nobody is left who could fetch them."""

    async def report(owner_id: UUID, age: timedelta) -> Report:
        period = {"since": now() - YEAR, "until": now()}
        made = Report(id=uuid4(), owner_id=owner_id, mail=False, created_at=now() - age, **period)
        await storage.put(made.key, b"user_id\r\n", content_type="text/csv")
        return made

    kept = await report(user_id, MONTH - MINUTE)
    gone = [await report(user_id, MONTH + MINUTE), await report(uuid4(), HOUR)]
    async with transaction(sessions) as session:
        session.add_all([kept, *gone])
    assert await worker.turn("forget-reports")

    assert await storage.exists(kept.key)
    assert [await storage.exists(each.key) for each in gone] == [False, False]
    assert await remaining(sessions, kept, *gone) == [kept]


async def test_an_accounts_reports_outlive_it_until_their_tables_are_gone(
    sessions: Sessions, worker: Periodic, storage: Storage, user_id: UUID
) -> None:
    made = Report(id=uuid4(), owner_id=user_id, mail=False, since=now() - YEAR, until=now())
    await storage.put(made.key, b"user_id\r\n", content_type="text/csv")
    async with transaction(sessions) as session:
        session.add(made)
        await session.execute(sa.delete(User).where(User.id == user_id))
    await worker.turn("forget-reports")

    assert not await storage.exists(made.key)
    assert await remaining(sessions, made) == []


async def test_of_two_workers_one_does_it(
    own_settings: ApiSettings, sessions: Sessions, storage: Storage
) -> None:
    jobs = housekeeping.jobs(
        vault=own_settings.vault, storage=storage, audit_kept=YEAR, key_max_age=90 * DAY
    )
    done: list[str] = []

    def counted(name: str, job: Job) -> Job:
        async def run(session: Any) -> None:
            await job.run(session)
            done.append(name)

        return Job(job.every, run)

    workers = [
        Periodic(sessions, {name: counted(name, job) for name, job in jobs.items()})
        for _ in range(4)
    ]
    for _ in range(2):
        await asyncio.gather(*(worker.turn(name) for worker in workers for name in jobs))

    assert sorted(done) == sorted(jobs) == ["forget-expired", "forget-reports", "keep-keys-fresh"]
