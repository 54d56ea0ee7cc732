"""Consumes a queue: acknowledge after the work, retry later what failed, bury what keeps failing.

At least once, in no promised order: handlers must live with repeats and with late arrivals.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from aio_pika import Message
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, HeadersType
from contracts import Event
from opentelemetry.trace import SpanKind

from common.broker import (
    CONFIRM_SECONDS,
    CONNECTION_ERRORS,
    BrokerUnavailable,
    EventRefused,
    QueueSpec,
    declare,
)
from common.deliveries import Deliveries, acknowledge, hand_back
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
        self._queue = queue
        self._handlers = handlers
        self._give_up = give_up
        self._deliveries = Deliveries(
            url,
            queue.name,
            lambda channel: declare(channel, queue),
            self._answer,
            prefetch=prefetch,
            drain_seconds=drain_seconds,
        )

    async def run(self) -> None:
        """Consume for ever; see `Deliveries.run`."""
        await self._deliveries.run()

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
            await acknowledge(message)
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
            await hand_back(message)
            return
        await acknowledge(message)


def _attempts(message: AbstractIncomingMessage) -> int:
    value = message.headers.get(_ATTEMPT, 0)
    return value if isinstance(value, int) else 0
