"""Deliveries against a real broker: what is handled, and how a consumer stops."""

import asyncio
from typing import Any
from uuid import uuid4

import aio_pika
from common.broker import EXCHANGE, Publisher, connect
from common.envelope import Envelope, seal
from common.testing import eventually
from contracts import Event, OcrStarted


def happened(number: int) -> Envelope:
    return seal(OcrStarted(document_id=uuid4(), job_id=uuid4(), pages=number), source="test")


async def test_an_event_is_handled_once_and_gone(reader: Any, publisher: Publisher) -> None:
    seen: list[int] = []

    async def handle(event: OcrStarted, _: Envelope) -> None:
        seen.append(event.pages)

    async with reader.consuming({OcrStarted: handle}):
        for number in range(1, 21):
            await publisher.publish(happened(number))

        async def all_seen() -> bool:
            return len(seen) == 20

        await eventually(all_seen)

    assert sorted(seen) == list(range(1, 21))
    assert await reader.waiting(reader.queue.name) == 0


async def test_structured_mode_is_understood(reader: Any, amqp_url: str) -> None:
    seen: list[int] = []

    async def handle(event: OcrStarted, _: Envelope) -> None:
        seen.append(event.pages)

    body = (
        '{"specversion":"1.0","id":"1","source":"elsewhere","type":"quire.ocr.started.v1",'
        f'"data":{{"document_id":"{uuid4()}","job_id":"{uuid4()}","pages":5,"new":true}}}}'
    )
    async with reader.consuming({OcrStarted: handle}):
        async with await connect(amqp_url) as connection:
            exchange = await (await connection.channel()).get_exchange(EXCHANGE)
            message = aio_pika.Message(
                body.encode(), content_type="application/cloudevents+json; charset=utf-8"
            )
            await exchange.publish(message, OcrStarted.name)

        async def handled() -> bool:
            return seen == [5]

        await eventually(handled)


async def test_a_stop_waits_for_running_work(reader: Any, publisher: Publisher) -> None:
    began, may_end, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handle(_: Event, __: Envelope) -> None:
        began.set()
        await may_end.wait()
        done.set()

    async with reader.consuming({OcrStarted: handle}):
        await publisher.publish(happened(1))
        await began.wait()
        asyncio.get_running_loop().call_later(0.2, may_end.set)

    assert done.is_set()
    assert await reader.waiting(reader.queue.name) == 0


async def test_what_a_stop_cannot_wait_for_is_handed_back(
    reader: Any, publisher: Publisher
) -> None:
    began = asyncio.Event()

    async def handle(_: Event, __: Envelope) -> None:
        began.set()
        await asyncio.Event().wait()

    async with reader.consuming({OcrStarted: handle}, drain_seconds=0.1):
        await publisher.publish(happened(1))
        await began.wait()

    async def back() -> bool:
        return bool(await reader.waiting(reader.queue.name) == 1)

    await eventually(back)
