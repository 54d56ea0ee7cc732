"""Periodic jobs, with replicas and failures, on a real database."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import sqlalchemy as sa
from common.database import Sessions, transaction
from common.errors import Unavailable
from common.inbox import inbox
from common.periodic import Job, Periodic, periodic
from common.testing import eventually
from sqlalchemy.ext.asyncio import AsyncSession

DAILY = timedelta(days=1)


async def leave_a_trace(session: AsyncSession) -> None:
    """Do what every job here does: write a row."""
    await session.execute(sa.insert(inbox).values(source="test", id=str(uuid4())))


async def traces(sessions: Sessions) -> int:
    async with sessions() as session:
        return await session.scalar(sa.select(sa.func.count()).select_from(inbox)) or 0


async def let_pass(sessions: Sessions, time: timedelta) -> None:
    async with transaction(sessions) as session:
        await session.execute(sa.update(periodic).values(ran_at=periodic.c.ran_at - time))


@asynccontextmanager
async def running(jobs: Periodic) -> AsyncIterator[None]:
    task = asyncio.create_task(jobs.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_of_many_replicas_one_does_the_job(sessions: Sessions) -> None:
    replicas = [Periodic(sessions, {"trace": Job(DAILY, leave_a_trace)}) for _ in range(8)]
    for done in (1, 2):
        turns = await asyncio.gather(*(replica.turn("trace") for replica in replicas))

        assert turns.count(True) == 1
        assert await traces(sessions) == done
        await let_pass(sessions, DAILY)


async def test_what_is_not_due_is_not_done(sessions: Sessions) -> None:
    jobs = Periodic(sessions, {"trace": Job(DAILY, leave_a_trace)})
    assert await jobs.turn("trace")
    await let_pass(sessions, DAILY - timedelta(minutes=5))
    assert not await jobs.turn("trace")
    await let_pass(sessions, timedelta(minutes=5))
    assert await jobs.turn("trace")

    assert await traces(sessions) == 2


async def test_each_job_has_its_own_time(sessions: Sessions) -> None:
    jobs = Periodic(
        sessions,
        {"often": Job(timedelta(hours=1), leave_a_trace), "daily": Job(DAILY, leave_a_trace)},
    )
    assert await jobs.turn("often")
    assert await jobs.turn("daily")
    await let_pass(sessions, timedelta(hours=2))

    assert await jobs.turn("often")
    assert not await jobs.turn("daily")


async def test_a_job_that_fails_has_not_run_and_runs_at_the_next_look(sessions: Sessions) -> None:
    errors: list[Exception] = [Unavailable("The database is away."), ZeroDivisionError("a bug")]

    async def stumble(session: AsyncSession) -> None:
        await leave_a_trace(session)
        if errors:
            raise errors.pop()

    async def done() -> bool:
        return await traces(sessions) == 1

    async with running(Periodic(sessions, {"it": Job(DAILY, stumble)}, look_seconds=0.01)):
        await eventually(done)

    assert errors == []


async def test_a_job_that_fails_does_not_stop_the_others(sessions: Sessions) -> None:
    async def fail(_: AsyncSession) -> None:
        raise ZeroDivisionError

    async def done() -> bool:
        return await traces(sessions) == 1

    jobs = {"bad": Job(DAILY, fail), "good": Job(DAILY, leave_a_trace)}
    async with running(Periodic(sessions, jobs, look_seconds=0.01)):
        await eventually(done)


async def test_who_waits_for_another_does_what_that_one_could_not(sessions: Sessions) -> None:
    began, may_fail = asyncio.Event(), asyncio.Event()

    async def fail(session: AsyncSession) -> None:
        await leave_a_trace(session)
        began.set()
        await may_fail.wait()
        raise ZeroDivisionError

    first = Periodic(sessions, {"it": Job(DAILY, fail)})
    second = Periodic(sessions, {"it": Job(DAILY, leave_a_trace)})
    failing = asyncio.create_task(first.turn("it"))
    await began.wait()
    waiting = asyncio.create_task(second.turn("it"))
    await eventually(lambda: somebody_waits(sessions))
    may_fail.set()

    assert await waiting
    with contextlib.suppress(ZeroDivisionError):
        await failing
    assert await traces(sessions) == 1


async def test_a_replica_that_stops_half_way_has_done_nothing(sessions: Sessions) -> None:
    began = asyncio.Event()

    async def hang(session: AsyncSession) -> None:
        await leave_a_trace(session)
        began.set()
        await asyncio.Event().wait()

    async with running(Periodic(sessions, {"it": Job(DAILY, hang)})):
        await began.wait()

    assert await traces(sessions) == 0
    assert await Periodic(sessions, {"it": Job(DAILY, leave_a_trace)}).turn("it")


async def somebody_waits(sessions: Sessions) -> bool:
    async with sessions() as session:
        waiting = await session.scalar(
            sa.text(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
        )
        return bool(waiting)
