"""Keeps a queue consumed: over lost connections, with a bound on what is worked on at once."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from common.background import stop_if_cancelled
from common.broker import CONFIRM_SECONDS, CONNECTION_ERRORS, connect, open_channel

logger = structlog.get_logger(__name__)

Declare = Callable[[AbstractChannel], Awaitable[AbstractQueue]]
"""Makes sure that the queue is there, on every new connection."""

Process = Callable[[AbstractChannel, AbstractIncomingMessage], Awaitable[None]]
"""Does what one delivery asks for, and acknowledges it; if it raises, it is delivered again."""

_RECONNECT_SECONDS = 1.0


class Deliveries:
    """Hands the messages of one queue to a function, `prefetch` at once."""

    def __init__(
        self,
        url: str,
        name: str,
        declare: Declare,
        process: Process,
        *,
        prefetch: int,
        drain_seconds: float,
    ) -> None:
        self._url = url
        self._name = name
        self._declare = declare
        self._process = process
        self._prefetch = prefetch
        self._drain_seconds = drain_seconds
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Consume for ever. Cancelled, it takes nothing new and lets running work finish.

        What is not finished after `drain_seconds` is handed back to the queue.
        """
        while True:
            try:
                await self._consume_until_lost()
            except CONNECTION_ERRORS as error:
                logger.warning("broker lost", queue=self._name, error=str(error))
                stop_if_cancelled()  # an error on the way out may have covered it up
            await self._abandon()
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _consume_until_lost(self) -> None:
        async with await connect(self._url) as connection:
            channel = await open_channel(connection)
            await channel.set_qos(prefetch_count=self._prefetch)
            queue = await self._declare(channel)
            lost = asyncio.Event()
            channel.close_callbacks.add(lambda *_: lost.set())
            underlay = await channel.get_underlay_channel()
            underlay.on_consumer_cancel_callbacks.add(lambda *_: lost.set())

            async def take(message: AbstractIncomingMessage) -> None:
                task = asyncio.create_task(self._work(channel, message))
                self._running.add(task)
                task.add_done_callback(self._running.discard)

            tag = await queue.consume(take)
            logger.info("consuming", queue=self._name, prefetch=self._prefetch)
            try:
                await lost.wait()
            except asyncio.CancelledError:
                with contextlib.suppress(*CONNECTION_ERRORS):  # then nothing comes any more anyway
                    await queue.cancel(tag, timeout=CONFIRM_SECONDS)
                await self._drain()
                raise

    async def _work(self, channel: AbstractChannel, message: AbstractIncomingMessage) -> None:
        try:
            await self._process(channel, message)
        except Exception:
            # A delivery without an answer would block its place in the prefetch for ever.
            logger.exception("delivery failed, handed back", queue=self._name)
            await hand_back(message)

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


async def acknowledge(message: AbstractIncomingMessage) -> None:
    """Let the broker forget a delivery."""
    try:
        await message.ack()
    except CONNECTION_ERRORS as error:
        # It will be delivered again; the inbox or the handler's own idempotence drops it then.
        logger.warning("could not be acknowledged", error=str(error))


async def hand_back(message: AbstractIncomingMessage) -> None:
    """Let the broker deliver it again."""
    with contextlib.suppress(*CONNECTION_ERRORS):  # a lost connection hands it back by itself
        await message.nack(requeue=True)
