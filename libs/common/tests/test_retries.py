"""What is tried again, what is buried, and what is not to blame: against a real broker."""

import asyncio
import os
import signal
import sys
import textwrap
from typing import Any
from uuid import uuid4

import aio_pika
from common.broker import EXCHANGE, EventRefused, Publisher, connect
from common.envelope import Envelope, seal
from common.errors import Unavailable
from common.testing import eventually
from contracts import Event, OcrStarted


def happened(number: int) -> Envelope:
    return seal(OcrStarted(document_id=uuid4(), job_id=uuid4(), pages=number), source="test")


async def test_a_failure_is_tried_again_later(reader: Any, publisher: Publisher) -> None:
    tries: list[float] = []

    async def handle(_: Event, __: Envelope) -> None:
        tries.append(asyncio.get_running_loop().time())
        if len(tries) < 3:
            raise RuntimeError("not yet")

    async with reader.consuming({OcrStarted: handle}):
        await publisher.publish(happened(1))

        async def done() -> bool:
            return len(tries) == 3

        await eventually(done)

    first, second, third = tries
    assert second - first >= 0.05
    assert third - second >= 0.1, "the delay grows"
    assert await reader.waiting(reader.queue.dead) == 0


async def test_poison_is_buried_with_its_reason_and_harms_nobody(
    reader: Any, publisher: Publisher
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

    async with reader.consuming({OcrStarted: handle}, give_up=give_up):
        for number in range(1, 31):
            await publisher.publish(happened(number))
        buried = await reader.take(reader.queue.dead)

        async def rest_done() -> bool:
            return len(good) == 29

        await eventually(rest_done)

    assert tries == len(reader.queue.retry_seconds) + 1
    assert buried.headers["x-reason"] == "attempts-exhausted"
    assert buried.headers["x-error"] == "cannot be digested"
    assert [event.pages for event in told if isinstance(event, OcrStarted)] == [13]


async def test_an_outage_buries_nothing_however_long_it_lasts(
    reader: Any, publisher: Publisher
) -> None:
    tries = 0

    async def handle(_: Event, __: Envelope) -> None:
        nonlocal tries
        tries += 1
        if tries < 3 * len(reader.queue.retry_seconds):
            raise Unavailable("The database does not answer.")

    async with reader.consuming({OcrStarted: handle}):
        await publisher.publish(happened(1))

        async def over() -> bool:
            return tries == 3 * len(reader.queue.retry_seconds)

        await eventually(over)

    assert await reader.waiting(reader.queue.dead) == 0


async def test_who_cannot_be_told_yet_is_told_later(reader: Any, publisher: Publisher) -> None:
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

    async with reader.consuming({OcrStarted: handle}, give_up=give_up):
        await publisher.publish(happened(1))
        await reader.take(reader.queue.dead)

    assert len(attempts) == 3


async def test_what_is_no_event_is_buried_at_once(reader: Any, amqp_url: str) -> None:
    async def handle(_: Event, __: Envelope) -> None:
        raise AssertionError("must not be called")

    async with reader.consuming({OcrStarted: handle}):
        async with await connect(amqp_url) as connection:
            channel = await connection.channel()
            exchange = await channel.get_exchange(EXCHANGE)
            for body in (b"\xff not json", b"{}"):
                await exchange.publish(aio_pika.Message(body), OcrStarted.name)
        reasons = [(await reader.take(reader.queue.dead)).headers["x-reason"] for _ in range(2)]

    assert reasons == ["unreadable", "unreadable"]


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
    reader: Any, amqp_url: str, publisher: Publisher
) -> None:
    await reader.declare()
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

    assert deaths == reader.queue.delivery_limit + 1
    buried = await reader.take(reader.queue.dead)
    assert "'reason': 'delivery_limit'" in str(buried.headers["x-death"])
