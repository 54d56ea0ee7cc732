"""Consumes a queue: acknowledge after the work, retry later what failed, bury what keeps failing.

At least once, in no promised order: handlers must live with repeats and with late arrivals.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from aio_pika import Message
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, HeadersType
from contracts import Event
from opentelemetry.trace import SpanKind

from common.background import stop_if_cancelled
from common.broker import (
    CONFIRM_SECONDS,
    CONNECTION_ERRORS,
    BrokerUnavailable,
    EventRefused,
    QueueSpec,
    connect,
    declare,
)
from common.envelope import Envelope, UnreadableMessage, open_message
from common.errors import Unavailable
from common.telemetry import event_duration, events_handled, trace_context, tracer

logger = structlog.get_logger(__name__)

Handler = Callable[[Any, Envelope], Awaitable[None]]
"""Does what an event asks for; raising means "not now", and it will be called again."""

Handlers = Mapping[type[Event], Handler]
"""Who handles what: the one table of a service's `consumers.py`."""

GiveUp = Callable[[Event, Exception], Awaitable[None]]
"""Called before an event is buried, so that whoever waits for its effect can be told."""

OUTAGES = (Unavailable, BrokerUnavailable, EventRefused)
"""Failures of what a handler needs, and not of what it was given."""

_ATTEMPT = "x-attempt"
_RECONNECT_SECONDS = 1.0


class Consumer:
    """Keeps one queue consumed, over lost connections, until it is cancelled."""

    def __init__(
        self,
        url: str,
        queue: QueueSpec,
        handlers: Handlers,
        *,
        prefetch: int,
        drain_seconds: float,
        give_up: GiveUp | None = None,
    ) -> None:
        self._url = url
        self._queue = queue
        self._handlers = handlers
        self._prefetch = prefetch
        self._drain_seconds = drain_seconds
        self._give_up = give_up
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Consume for ever. Cancelled, it takes nothing new and lets running work finish.

        What is not finished after `drain_seconds` is handed back to the queue.
        """
        while True:
            try:
                await self._consume_until_lost()
            except CONNECTION_ERRORS as error:
                logger.warning("broker lost", queue=self._queue.name, error=str(error))
                stop_if_cancelled()  # an error on the way out may have covered it up
            await self._abandon()
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _consume_until_lost(self) -> None:
        async with await connect(self._url) as connection:
            channel = await connection.channel(on_return_raises=True)
            await channel.set_qos(prefetch_count=self._prefetch)
            queue = await declare(channel, self._queue)
            lost = asyncio.Event()
            channel.close_callbacks.add(lambda *_: lost.set())
            underlay = await channel.get_underlay_channel()
            underlay.on_consumer_cancel_callbacks.add(lambda *_: lost.set())

            async def take(message: AbstractIncomingMessage) -> None:
                task = asyncio.create_task(self._process(channel, message))
                self._running.add(task)
                task.add_done_callback(self._running.discard)

            tag = await queue.consume(take)
            logger.info("consuming", queue=self._queue.name, prefetch=self._prefetch)
            try:
                await lost.wait()
            except asyncio.CancelledError:
                with contextlib.suppress(*CONNECTION_ERRORS):  # then nothing comes any more anyway
                    await queue.cancel(tag, timeout=CONFIRM_SECONDS)
                await self._drain()
                raise

    async def _drain(self) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=self._drain_seconds)
        await self._abandon()

    async def _abandon(self) -> None:
        """Stop work whose delivery can no longer be acknowledged; the broker hands it out again."""
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _process(self, channel: AbstractChannel, message: AbstractIncomingMessage) -> None:
        try:
            await self._answer(channel, message)
        except Exception:
            # A delivery without an answer would block its place in the prefetch for ever.
            logger.exception("delivery failed, handed back", queue=self._queue.name)
            await _hand_back(message)

    async def _answer(self, channel: AbstractChannel, message: AbstractIncomingMessage) -> None:
        try:
            envelope, event = open_message(message)
        except UnreadableMessage as error:
            await self._bury(channel, message, reason="unreadable", error=error)
            return
        structlog.contextvars.bind_contextvars(event_id=envelope.id, event_name=event.name)
        with tracer.start_as_current_span(
            f"consume {event.name}",
            context=trace_context(envelope.trace),
            kind=SpanKind.CONSUMER,
        ):
            await self._handle(channel, message, envelope, event)

    async def _handle(
        self,
        channel: AbstractChannel,
        message: AbstractIncomingMessage,
        envelope: Envelope,
        event: Event,
    ) -> None:
        started = time.perf_counter()
        try:
            handler = self._handlers.get(type(event))
            if handler is not None:  # a queue may still hold what an older version bound
                await handler(event, envelope)
        except Exception as error:  # noqa: BLE001 - whatever it was, the message must go on
            await self._retry_or_bury(channel, message, event, error)
        else:
            await _acknowledge(message)
            events_handled.labels(self._queue.name, event.name, "done").inc()
            logger.info("handled", ms=round((time.perf_counter() - started) * 1000, 1))
        finally:
            elapsed = time.perf_counter() - started
            event_duration.labels(self._queue.name, event.name).observe(elapsed)

    async def _retry_or_bury(
        self,
        channel: AbstractChannel,
        message: AbstractIncomingMessage,
        event: Event,
        error: Exception,
    ) -> None:
        most = len(self._queue.retry_seconds)
        attempt = _attempts(message) + 1
        if isinstance(error, OUTAGES):
            attempt = min(attempt, most)  # the message is not to blame, so it is never buried
        if attempt > most:
            logger.error("gave up", attempts=attempt, exc_info=error)
            if self._give_up is not None:
                try:
                    await self._give_up(event, error)
                except OUTAGES as outage:
                    logger.warning("could not be told, will try again", error=str(outage))
                    await self._move(channel, message, self._queue.retry(most), {})
                    return
            await self._bury(channel, message, reason="attempts-exhausted", error=error)
            return
        logger.warning("will retry", attempt=attempt, exc_info=error)
        await self._move(channel, message, self._queue.retry(attempt), {_ATTEMPT: attempt})
        events_handled.labels(self._queue.name, event.name, "retried").inc()

    async def _bury(
        self,
        channel: AbstractChannel,
        message: AbstractIncomingMessage,
        *,
        reason: str,
        error: Exception,
    ) -> None:
        logger.error("buried", queue=self._queue.dead, reason=reason, error=str(error))
        headers: HeadersType = {"x-reason": reason, "x-error": str(error)[:1000]}
        await self._move(channel, message, self._queue.dead, headers)
        events_handled.labels(self._queue.name, message.routing_key or "", "dead").inc()

    async def _move(
        self,
        channel: AbstractChannel,
        message: AbstractIncomingMessage,
        queue: str,
        headers: HeadersType,
    ) -> None:
        """Publish to another queue, wait for the confirm, and only then let go of this one."""
        copy = Message(
            message.body,
            headers={**message.headers, **headers},
            content_type=message.content_type,
            message_id=message.message_id,
            delivery_mode=message.delivery_mode,
        )
        try:
            await channel.default_exchange.publish(copy, queue, timeout=CONFIRM_SECONDS)
        except CONNECTION_ERRORS as error:
            logger.warning("could not be moved", queue=queue, error=str(error))
            await _hand_back(message)
            return
        await _acknowledge(message)


async def _acknowledge(message: AbstractIncomingMessage) -> None:
    try:
        await message.ack()
    except CONNECTION_ERRORS as error:
        # It will be delivered again; the inbox or the handler's own idempotence drops it then.
        logger.warning("could not be acknowledged", error=str(error))


async def _hand_back(message: AbstractIncomingMessage) -> None:
    with contextlib.suppress(*CONNECTION_ERRORS):  # a lost connection hands it back by itself
        await message.nack(requeue=True)


def _attempts(message: AbstractIncomingMessage) -> int:
    value = message.headers.get(_ATTEMPT, 0)
    return value if isinstance(value, int) else 0
