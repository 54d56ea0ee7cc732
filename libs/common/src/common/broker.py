"""RabbitMQ: the exchange, the queues, and a publisher that knows what has arrived.

Three settings decide whether an event can vanish, and the defaults of all three are wrong:
an unroutable message is confirmed and lost unless it is published `mandatory`; dead-lettering
loses messages unless it is `at-least-once`; a delivery limit does not exist before RabbitMQ 4.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange, AbstractQueue
from aio_pika.exceptions import (
    AMQPError,
    ChannelInvalidStateError,
    DeliveryError,
    PublishError,
)
from aio_pika.message import Message
from opentelemetry.trace import SpanKind

from common.envelope import Envelope
from common.telemetry import trace_context, tracer

EXCHANGE = "events"
HEARTBEAT_SECONDS = 10
CONFIRM_SECONDS = 15
CONNECTION_ERRORS = (AMQPError, ChannelInvalidStateError, OSError, asyncio.TimeoutError)
_MAX_QUEUE_BYTES = 1 << 30


class BrokerUnavailable(Exception):
    """RabbitMQ cannot be reached, or did not confirm in time."""


class EventRefused(Exception):
    """RabbitMQ answered that it will not take this one event: no queue, or a full one."""


@dataclass(frozen=True)
class QueueSpec:
    """A queue, the events it wants, and how often they are tried.

    A failed delivery waits in the next of the `<name>.retry.<n>` queues; after the last one it
    goes to `<name>.dead`. `delivery_limit` counts another thing, deliveries that were never
    answered because the consumer died: one more than that, and the broker buries the message.
    """

    name: str
    events: tuple[str, ...]
    retry_seconds: tuple[float, ...] = (1, 5, 30, 120)
    delivery_limit: int = 5

    @property
    def dead(self) -> str:
        """Name of the queue where messages wait for a person."""
        return f"{self.name}.dead"

    def retry(self, attempt: int) -> str:
        """Name of the queue where a message waits after its `attempt`-th failure, from 1."""
        return f"{self.name}.retry.{attempt}"


async def connect(url: str) -> AbstractConnection:
    """Open a connection; raises one of `CONNECTION_ERRORS`."""
    return await aio_pika.connect(url, timeout=10, heartbeat=HEARTBEAT_SECONDS)


async def open_channel(connection: AbstractConnection) -> AbstractChannel:
    """Open a channel on which what cannot be routed is an error; raises `CONNECTION_ERRORS`."""
    try:
        return await connection.channel(on_return_raises=True)
    except RuntimeError as error:  # so the client speaks of a connection lost a moment ago
        raise ConnectionError(str(error)) from error


async def declare_exchange(channel: AbstractChannel) -> AbstractExchange:
    """Declare the one exchange that all events go through."""
    return await channel.declare_exchange(EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True)


async def declare(channel: AbstractChannel, queue: QueueSpec) -> AbstractQueue:
    """Declare a queue with its bindings, its retry queues and its dead queue."""
    exchange = await declare_exchange(channel)
    await _quorum(channel, queue.dead, {})
    for attempt, seconds in enumerate(queue.retry_seconds, start=1):
        ttl = {"x-message-ttl": int(seconds * 1000), **_dead_letter_to(queue.name)}
        await _quorum(channel, queue.retry(attempt), ttl)
    limit = {"x-delivery-limit": queue.delivery_limit, **_dead_letter_to(queue.dead)}
    declared = await _quorum(channel, queue.name, limit)
    for event in queue.events:
        await declared.bind(exchange, routing_key=event)
    return declared


async def _quorum(
    channel: AbstractChannel, name: str, arguments: dict[str, str | int]
) -> AbstractQueue:
    common: dict[str, str | int] = {
        "x-queue-type": "quorum",
        "x-overflow": "reject-publish",
        "x-max-length-bytes": _MAX_QUEUE_BYTES,
    }
    return await channel.declare_queue(name, durable=True, arguments={**common, **arguments})


def _dead_letter_to(name: str) -> dict[str, str | int]:
    return {
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": name,
        "x-dead-letter-strategy": "at-least-once",
    }


class Publisher:
    """Publishes with confirms; connects when first needed and again after a loss."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._exchange: AbstractExchange | None = None
        self._lock = asyncio.Lock()

    async def publish(self, envelope: Envelope) -> None:
        """Return when the event lies safely in every queue that wants it.

        Raises `EventRefused` when no queue wants it or one is full, `BrokerUnavailable` when
        it is not known whether it has arrived.
        """
        with tracer.start_as_current_span(
            f"publish {envelope.routing_key}",
            context=trace_context(envelope.trace),
            kind=SpanKind.PRODUCER,
        ):
            await self._send(envelope.message(), envelope.routing_key)

    async def publish_all(self, envelopes: Sequence[Envelope]) -> list[Exception | None]:
        """Publish in the given order, await the confirms together; one outcome for each."""
        results = await asyncio.gather(
            *(self.publish(envelope) for envelope in envelopes), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, Exception):
                raise result
        return [result if isinstance(result, Exception) else None for result in results]

    async def ping(self) -> None:
        """Connect if need be; raises `BrokerUnavailable`."""
        try:
            await self._open()
        except CONNECTION_ERRORS as error:
            raise BrokerUnavailable(str(error) or type(error).__name__) from error

    async def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed:
            await connection.close()

    async def _send(self, message: Message, routing_key: str) -> None:
        try:
            exchange = await self._open()
            await exchange.publish(message, routing_key, mandatory=True, timeout=CONFIRM_SECONDS)
        except PublishError as error:
            raise EventRefused(f"no queue is bound for {routing_key}") from error
        except DeliveryError as error:
            raise EventRefused(f"a queue for {routing_key} does not accept") from error
        except TimeoutError as error:
            # A channel on which a confirm went missing (a queue whose leader was just restarted)
            # may never confirm again; a new one does.
            await self.close()
            raise BrokerUnavailable(f"no confirm within {CONFIRM_SECONDS} s") from error
        except CONNECTION_ERRORS as error:
            raise BrokerUnavailable(str(error) or type(error).__name__) from error

    async def _open(self) -> AbstractExchange:
        async with self._lock:
            usable = (
                self._exchange is not None
                and self._connection is not None
                and not self._connection.is_closed
                and self._channel is not None
                and not self._channel.is_closed
            )
            if not usable:
                await self.close()
                self._connection = await connect(self._url)
                self._channel = await open_channel(self._connection)
                self._exchange = await declare_exchange(self._channel)
            assert self._exchange is not None  # noqa: S101 - set two lines above
            return self._exchange
