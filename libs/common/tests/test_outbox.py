"""The outbox against a real database and broker, both of which may go away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from common import outbox
from common.broker import Publisher, QueueSpec, connect, declare
from common.database import Sessions, transaction
from common.envelope import open_message
from common.errors import Problem
from common.outbox import Relay
from common.testing import eventually
from contracts import DocumentDeleted, OcrStarted
from sqlalchemy.ext.asyncio import AsyncEngine

QUEUE = QueueSpec("listener", events=(OcrStarted.name,))
Database = tuple[str, AsyncEngine, Sessions]


def happened(number: int) -> OcrStarted:
    return OcrStarted(document_id=uuid4(), job_id=uuid4(), pages=number)


@asynccontextmanager
async def relaying(database: Database, amqp_url: str) -> AsyncIterator[None]:
    publisher = Publisher(amqp_url)
    relay = Relay(database_url=database[0], sessions=database[2], publisher=publisher)
    task = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await publisher.close()


async def record(sessions: Sessions, *numbers: int) -> None:
    async with transaction(sessions) as session:
        await outbox.record(session, *map(happened, numbers), source="test")


async def rows(sessions: Sessions) -> int:
    async with sessions() as session:
        return await session.scalar(sa.select(sa.func.count()).select_from(outbox.outbox)) or 0


async def is_empty(sessions: Sessions) -> bool:
    return await rows(sessions) == 0


async def declare_queue(url: str) -> None:
    async with await connect(url) as connection:
        await declare(await connection.channel(), QUEUE)


async def delivered(url: str) -> list[int]:
    """Return the numbers of the events that lie in the queue, in its order."""
    numbers = []
    async with await connect(url) as connection:
        queue = await (await connection.channel()).get_queue(QUEUE.name)
        while (message := await queue.get(no_ack=True, fail=False)) is not None:
            _, event = open_message(message)
            assert isinstance(event, OcrStarted)
            numbers.append(event.pages)
    return numbers


async def test_a_recorded_event_is_sent_and_the_row_is_gone(
    database: Database, sessions: Sessions, amqp_url: str
) -> None:
    await declare_queue(amqp_url)
    async with relaying(database, amqp_url):
        await record(sessions, *range(1, 251))
        await eventually(lambda: is_empty(sessions))

    assert await delivered(amqp_url) == list(range(1, 251))


async def test_to_record_nothing_is_no_event(sessions: Sessions) -> None:
    await record(sessions)

    assert await is_empty(sessions)


async def test_a_commit_wakes_the_relay(
    database: Database, sessions: Sessions, amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_POLL_SECONDS", 3600)
    await declare_queue(amqp_url)
    async with relaying(database, amqp_url):
        await record(sessions, 1)
        await eventually(lambda: is_empty(sessions))
        await record(sessions, 2)
        await eventually(lambda: is_empty(sessions))


async def test_what_is_rolled_back_is_never_sent(
    database: Database, sessions: Sessions, amqp_url: str
) -> None:
    class Refused(Problem):
        """It was not to be."""

    await declare_queue(amqp_url)
    async with relaying(database, amqp_url):

        async def record_and_refuse() -> None:
            async with transaction(sessions) as session:
                await outbox.record(session, happened(1), source="test")
                raise Refused

        with pytest.raises(Refused):
            await record_and_refuse()
        await record(sessions, 2)
        await eventually(lambda: is_empty(sessions))

    assert await delivered(amqp_url) == [2]


async def test_an_unroutable_event_stays_and_the_relay_goes_on(
    database: Database, sessions: Sessions, amqp_url: str
) -> None:
    await declare_queue(amqp_url)
    unwanted = DocumentDeleted(document_id=uuid4(), owner_id=uuid4())
    async with relaying(database, amqp_url):
        async with transaction(sessions) as session:
            await outbox.record(session, unwanted, source="test")
        await record(sessions, *range(1, 11))

        async def only_the_unwanted_waits() -> bool:
            async with sessions() as session:
                found = (await session.execute(sa.select(outbox.outbox))).all()
            return [row.routing_key for row in found] == [unwanted.name] and found[0].refusals > 0

        await eventually(only_the_unwanted_waits)
        assert await delivered(amqp_url) == list(range(1, 11))

        async with await connect(amqp_url) as connection:
            wants_it = QueueSpec("late", events=(DocumentDeleted.name,))
            await declare(await connection.channel(), wants_it)
        await eventually(lambda: is_empty(sessions))


async def test_many_refused_events_do_not_starve_a_new_one(
    database: Database, sessions: Sessions, amqp_url: str
) -> None:
    await declare_queue(amqp_url)
    async with transaction(sessions) as session:
        for _ in range(500):
            unwanted = DocumentDeleted(document_id=uuid4(), owner_id=uuid4())
            await outbox.record(session, unwanted, source="test")
    async with relaying(database, amqp_url):

        async def all_refused() -> bool:
            async with sessions() as session:
                never = sa.select(outbox.outbox).where(outbox.outbox.c.refusals == 0)
                return (await session.execute(never)).first() is None

        await eventually(all_refused)
        await record(sessions, 1)

        async def sent() -> bool:
            return await rows(sessions) == 500

        await eventually(sent, within=5)

    assert await delivered(amqp_url) == [1]


async def test_two_relays_share_the_rows(
    database: Database, sessions: Sessions, amqp_url: str
) -> None:
    await declare_queue(amqp_url)
    async with relaying(database, amqp_url), relaying(database, amqp_url):
        for start in range(1, 501, 50):
            await record(sessions, *range(start, start + 50))
        await eventually(lambda: is_empty(sessions))

    assert sorted(await delivered(amqp_url)) == list(range(1, 501))


@pytest.mark.timeout(400)
async def test_nothing_is_lost_when_the_broker_is_killed_while_publishing(
    database: Database, sessions: Sessions, private_rabbitmq: Any
) -> None:
    """Three SIGKILLs among 600 events; duplicates are allowed, the inbox is for them."""
    url = private_rabbitmq.amqp_url
    await declare_queue(url)
    async with relaying(database, url):
        for kill in range(3):
            for step in range(4):
                first = kill * 200 + step * 50 + 1
                await record(sessions, *range(first, first + 50))
                if step == 1:
                    await asyncio.to_thread(private_rabbitmq.kill)
            assert await rows(sessions) > 0, "events wait while the broker is down"
            await asyncio.to_thread(private_rabbitmq.start)
            await eventually(lambda: is_empty(sessions), within=90)

    assert set(await delivered(url)) == set(range(1, 601))


async def test_the_relay_survives_the_loss_of_its_database_connections(
    database: Database, sessions: Sessions, amqp_url: str
) -> None:
    await declare_queue(amqp_url)
    async with relaying(database, amqp_url):
        await record(sessions, 1)
        await eventually(lambda: is_empty(sessions))
        async with database[1].connect() as connection:
            await connection.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        await record(sessions, 2)
        await eventually(lambda: is_empty(sessions))

    assert await delivered(amqp_url) == [1, 2]
