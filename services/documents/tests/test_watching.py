"""Nothing stays `processing` for ever: what falls silent is asked for again, then ended aloud."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from aio_pika import Message
from common.broker import connect
from common.database import Sessions, transaction
from contracts import (
    PAGES_QUEUE,
    PLANS_QUEUE,
    Event,
    OcrAssemblyRequested,
    OcrFailed,
    OcrPageCompleted,
    OcrStarted,
    PageSource,
)
from documents.base import now
from documents.jobs.models import Job
from documents.jobs.watching import watch
from documents.jobs.workers import Backlog, Workers

Deliver = Callable[..., Awaitable[None]]
Recorded = Callable[[type[Event]], Awaitable[list[dict[str, Any]]]]

LONG_AGO = now() - timedelta(hours=1)


@pytest.fixture
def look(sessions: Sessions, amqp_url: str) -> Callable[..., Awaitable[None]]:
    """Let the watchdog look, with a worker at both queues unless there is to be none."""

    async def look(*, manned: bool = True) -> None:
        workers = Workers(amqp_url)
        async with await connect(amqp_url) as connection:
            channel = await connection.channel()
            for name in (PLANS_QUEUE, PAGES_QUEUE):
                queue = await channel.declare_queue(name, durable=False, auto_delete=False)
                if manned:
                    await queue.consume(_leave)
            async with transaction(sessions) as session:
                await watch(session, workers, silent_after=timedelta(minutes=5))
            for name in (PLANS_QUEUE, PAGES_QUEUE):
                await channel.queue_delete(name)
        await workers.close()

    return look


@pytest.fixture
def silent(sessions: Sessions, document: dict[str, Any]) -> Callable[..., Awaitable[Job]]:
    """Let nobody have heard of the document's job for an hour; return it."""

    async def silent(**values: Any) -> Job:
        async with transaction(sessions) as session:
            job = await session.get(Job, UUID(document["job_id"]))
            assert job is not None
            job.heard_at = LONG_AGO
            for name, value in values.items():
                setattr(job, name, value)
        return job

    return silent


async def _leave(_: object) -> None:
    """Take a message and say nothing."""


def _of(document: dict[str, Any]) -> dict[str, Any]:
    return {"document_id": document["id"], "job_id": document["job_id"]}


def _read(document: dict[str, Any], page: int) -> OcrPageCompleted:
    source, key = PageSource.OCR, "results/x"
    return OcrPageCompleted(
        **_of(document), page=page, source=source, chars=1, confidence=1, result_key=key
    )


async def _reload(sessions: Sessions, job: Job) -> Job:
    async with sessions() as session:
        found = await session.scalar(sa.select(Job).where(Job.id == job.id))
        assert found is not None
        return found


async def test_pages_that_nobody_reports_are_asked_for_again(
    document: dict[str, Any], deliver: Deliver, silent: Any, look: Any, sessions: Sessions
) -> None:
    await deliver(OcrStarted(**_of(document), pages=5), _read(document, 2), _read(document, 3))
    job = await silent(todo=[], in_flight=3)

    await look()

    job = await _reload(sessions, job)
    assert [tuple(run) for run in job.todo] == [(1, 1), (4, 5)]
    assert (job.in_flight, job.revivals) == (0, 1)


async def test_a_document_that_nobody_opens_is_asked_for_again(
    silent: Any, look: Any, sessions: Sessions
) -> None:
    job = await silent()
    await look()
    assert (await _reload(sessions, job)).asked_at is None


async def test_what_is_heard_of_or_waits_for_its_turn_is_left_alone(
    document: dict[str, Any], deliver: Deliver, silent: Any, look: Any, sessions: Sessions
) -> None:
    await look()
    await deliver(OcrStarted(**_of(document), pages=5))
    job = await silent(in_flight=0)
    await look()
    assert (await _reload(sessions, job)).revivals == 0


async def test_while_there_is_no_worker_silence_is_no_news(
    silent: Any, look: Any, sessions: Sessions
) -> None:
    job = await silent()
    await look(manned=False)
    assert (await _reload(sessions, job)).revivals == 0


async def test_what_stays_silent_fails_aloud(
    client: httpx.AsyncClient, silent: Any, look: Any, recorded: Recorded, document: Any
) -> None:
    for _ in range(4):
        await silent(asked_at=LONG_AGO)
        await look()
    shown = (await client.get(f"/documents/{document['id']}")).json()
    assert shown["status"] == "failed"
    assert shown["error"]["type"] == "urn:quire:problem:reading-stalled"
    assert len(await recorded(OcrFailed)) == 1


async def test_an_assembly_that_nobody_reports_is_asked_for_again(
    document: dict[str, Any], silent: Any, look: Any, recorded: Recorded
) -> None:
    await silent(status="processing", pages_total=1, pages_done=1)
    await look()
    assert len(await recorded(OcrAssemblyRequested)) == 1


async def test_the_broker_tells_what_lies_before_the_workers(amqp_url: str) -> None:
    workers = Workers(amqp_url)
    assert await workers.pages() == Backlog(0, 0), "no worker was ever there"
    async with await connect(amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(PAGES_QUEUE)
        await channel.default_exchange.publish(Message(b"x"), PAGES_QUEUE)
        await channel.default_exchange.publish(Message(b"x"), PAGES_QUEUE)
        assert await workers.pages() == Backlog(2, 0)
        await channel.set_qos(prefetch_count=1)
        await queue.consume(_leave)
        assert await workers.pages() == Backlog(1, 1)
        await channel.queue_delete(PAGES_QUEUE)
    await workers.close()
