"""Deliveries against a real broker: what works, what is tried again, what is buried."""

import asyncio
import contextlib
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from common.broker import EXCHANGE, EventRefused, Publisher, QueueSpec, connect, declare
from common.consumer import Consumer, GiveUp, Handlers
from common.envelope import Envelope, seal
from common.errors import Unavailable
from common.testing import eventually
from contracts import Event, OcrStarted

QUEUE = QueueSpec("reader", events=(OcrStarted.name,), retry_seconds=(0.05, 0.1), delivery_limit=2)


def happened(number: int) -> Envelope:
    return seal(OcrStarted(document_id=uuid4(), job_id=uuid4(), pages=number), source="test")


@asynccontextmanager
async def consuming(
    url: str,
    handlers: Handlers,
    *,
    queue: QueueSpec = QUEUE,
    drain_seconds: float = 5,
    give_up: GiveUp | None = None,
) -> AsyncIterator[None]:
    await declared(url, queue)
    consumer = Consumer(
        url, queue, handlers, prefetch=10, drain_seconds=drain_seconds, give_up=give_up
    )
    task = asyncio.create_task(consumer.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def declared(url: str, queue: QueueSpec) -> None:
    async with await connect(url) as connection:
        await declare(await connection.channel(), queue)


async def waiting(url: str, queue: str) -> int:
    async with await connect(url) as connection:
        found = await (await connection.channel()).get_queue(queue)
        return found.declaration_result.message_count or 0


async def take(url: str, queue: str) -> AbstractIncomingMessage:
    async with await connect(url) as connection:
        found = await (await connection.channel()).get_queue(queue)

        async def one() -> AbstractIncomingMessage | None:
            return await found.get(no_ack=True, fail=False)

        message = await eventually(one)
        assert message is not None
        return message


async def test_an_event_is_handled_once_and_gone(amqp_url: str, publisher: Publisher) -> None:
    seen: list[int] = []

    async def handle(event: OcrStarted, _: Envelope) -> None:
        seen.append(event.pages)

    async with consuming(amqp_url, {OcrStarted: handle}):
        for number in range(1, 21):
            await publisher.publish(happened(number))

        async def all_seen() -> bool:
            return len(seen) == 20

        await eventually(all_seen)

    assert sorted(seen) == list(range(1, 21))
    assert await waiting(amqp_url, QUEUE.name) == 0


async def test_a_failure_is_tried_again_later(amqp_url: str, publisher: Publisher) -> None:
    tries: list[float] = []

    async def handle(_: Event, __: Envelope) -> None:
        tries.append(asyncio.get_running_loop().time())
        if len(tries) < 3:
            raise RuntimeError("not yet")

    async with consuming(amqp_url, {OcrStarted: handle}):
        await publisher.publish(happened(1))

        async def done() -> bool:
            return len(tries) == 3

        await eventually(done)

    first, second, third = tries
    assert second - first >= 0.05
    assert third - second >= 0.1, "the delay grows"
    assert await waiting(amqp_url, QUEUE.dead) == 0


async def test_poison_is_buried_with_its_reason_and_harms_nobody(
    amqp_url: str, publisher: Publisher
) -> None:
    good: list[int] = []
    tries = 0
    told: list[Event] = []

    async def handle(event: OcrStarted, _: Envelope) -> None:
        nonlocal tries
        if event.pages == 13:
            tries += 1
            raise RuntimeError("cannot be digested")
        good.append(event.pages)

    async def give_up(event: Event, _: Exception) -> None:
        told.append(event)

    async with consuming(amqp_url, {OcrStarted: handle}, give_up=give_up):
        for number in range(1, 31):
            await publisher.publish(happened(number))
        buried = await take(amqp_url, QUEUE.dead)

        async def rest_done() -> bool:
            return len(good) == 29

        await eventually(rest_done)

    assert tries == len(QUEUE.retry_seconds) + 1
    assert buried.headers["x-reason"] == "attempts-exhausted"
    assert buried.headers["x-error"] == "cannot be digested"
    assert [event.pages for event in told if isinstance(event, OcrStarted)] == [13]


async def test_an_outage_buries_nothing_however_long_it_lasts(
    amqp_url: str, publisher: Publisher
) -> None:
    tries = 0

    async def handle(_: Event, __: Envelope) -> None:
        nonlocal tries
        tries += 1
        if tries < 3 * len(QUEUE.retry_seconds):
            raise Unavailable("The database does not answer.")

    async with consuming(amqp_url, {OcrStarted: handle}):
        await publisher.publish(happened(1))

        async def over() -> bool:
            return tries == 3 * len(QUEUE.retry_seconds)

        await eventually(over)

    assert await waiting(amqp_url, QUEUE.dead) == 0


async def test_who_cannot_be_told_yet_is_told_later(amqp_url: str, publisher: Publisher) -> None:
    """An error in the last step must not leave a delivery without an answer."""
    attempts: list[str] = []

    async def handle(_: Event, __: Envelope) -> None:
        raise RuntimeError("poison")

    async def give_up(_: Event, __: Exception) -> None:
        attempts.append("told")
        if len(attempts) == 1:
            raise EventRefused("nobody listens yet")
        if len(attempts) == 2:
            raise RuntimeError("a bug in the last step")

    async with consuming(amqp_url, {OcrStarted: handle}, give_up=give_up):
        await publisher.publish(happened(1))
        await take(amqp_url, QUEUE.dead)

    assert len(attempts) == 3


async def test_what_is_no_event_is_buried_at_once(amqp_url: str) -> None:
    async def handle(_: Event, __: Envelope) -> None:
        raise AssertionError("must not be called")

    async with consuming(amqp_url, {OcrStarted: handle}):
        async with await connect(amqp_url) as connection:
            channel = await connection.channel()
            exchange = await channel.get_exchange(EXCHANGE)
            for body in (b"\xff not json", b"{}"):
                await exchange.publish(aio_pika.Message(body), OcrStarted.name)
        reasons = [(await take(amqp_url, QUEUE.dead)).headers["x-reason"] for _ in range(2)]

    assert reasons == ["unreadable", "unreadable"]


async def test_structured_mode_is_understood(amqp_url: str) -> None:
    seen: list[int] = []

    async def handle(event: OcrStarted, _: Envelope) -> None:
        seen.append(event.pages)

    body = (
        '{"specversion":"1.0","id":"1","source":"elsewhere","type":"quire.ocr.started.v1",'
        f'"data":{{"document_id":"{uuid4()}","job_id":"{uuid4()}","pages":5,"new":true}}}}'
    )
    async with consuming(amqp_url, {OcrStarted: handle}):
        async with await connect(amqp_url) as connection:
            exchange = await (await connection.channel()).get_exchange(EXCHANGE)
            message = aio_pika.Message(
                body.encode(), content_type="application/cloudevents+json; charset=utf-8"
            )
            await exchange.publish(message, OcrStarted.name)

        async def handled() -> bool:
            return seen == [5]

        await eventually(handled)


async def test_a_stop_waits_for_running_work(amqp_url: str, publisher: Publisher) -> None:
    began, may_end, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handle(_: Event, __: Envelope) -> None:
        began.set()
        await may_end.wait()
        done.set()

    async with consuming(amqp_url, {OcrStarted: handle}):
        await publisher.publish(happened(1))
        await began.wait()
        asyncio.get_running_loop().call_later(0.2, may_end.set)

    assert done.is_set()
    assert await waiting(amqp_url, QUEUE.name) == 0


async def test_what_a_stop_cannot_wait_for_is_handed_back(
    amqp_url: str, publisher: Publisher
) -> None:
    began = asyncio.Event()

    async def handle(_: Event, __: Envelope) -> None:
        began.set()
        await asyncio.Event().wait()

    async with consuming(amqp_url, {OcrStarted: handle}, drain_seconds=0.1):
        await publisher.publish(happened(1))
        await began.wait()

    async def back() -> bool:
        return await waiting(amqp_url, QUEUE.name) == 1

    await eventually(back)


_DIES_ON_13 = textwrap.dedent("""
    import asyncio, os, signal, sys
    from common.consumer import Consumer
    from common.broker import QueueSpec
    from contracts import OcrStarted

    async def handle(event, envelope):
        if event.pages == 13:
            print("dying", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        print("handled", event.pages, flush=True)

    queue = QueueSpec("reader", ("ocr.started",), retry_seconds=(0.05, 0.1), delivery_limit=2)
    consumer = Consumer(sys.argv[1], queue, {OcrStarted: handle}, prefetch=1, drain_seconds=1)
    asyncio.run(consumer.run())
""")


async def test_an_event_that_kills_its_consumer_is_buried_after_the_limit(
    amqp_url: str, publisher: Publisher
) -> None:
    await declared(amqp_url, QUEUE)
    await publisher.publish(happened(13))
    for number in range(1, 6):
        await publisher.publish(happened(number))

    deaths = 0
    handled: set[int] = set()
    while len(handled) < 5:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _DIES_ON_13, amqp_url, stdout=asyncio.subprocess.PIPE
        )
        assert child.stdout is not None
        async for line in child.stdout:
            if line == b"dying\n":
                deaths += 1
            elif line.startswith(b"handled "):
                handled.add(int(line.split()[1]))
            if len(handled) == 5:
                os.kill(child.pid, signal.SIGKILL)
        await child.wait()

    assert deaths == QUEUE.delivery_limit + 1
    buried = await take(amqp_url, QUEUE.dead)
    assert "'reason': 'delivery_limit'" in str(buried.headers["x-death"])
