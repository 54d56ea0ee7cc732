"""What the workers have before them, as the broker tells it."""

from dataclasses import dataclass

from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity
from common.broker import CONNECTION_ERRORS, BrokerUnavailable, connect, open_channel
from contracts import PAGES_QUEUE, PLANS_QUEUE


@dataclass(frozen=True)
class Backlog:
    """How many tasks lie in a queue that no worker has taken, and how many workers take some."""

    waiting: int
    workers: int


class Workers:
    """Asks the broker about the queues of the workers; connects when first needed."""

    def __init__(self, amqp_url: str) -> None:
        self._amqp_url = amqp_url
        self._connection: AbstractConnection | None = None

    async def plans(self) -> Backlog:
        """Return how many documents wait to be opened; raises `BrokerUnavailable`."""
        return await self._backlog(PLANS_QUEUE)

    async def pages(self) -> Backlog:
        """Return how many runs of pages wait to be read; raises `BrokerUnavailable`."""
        return await self._backlog(PAGES_QUEUE)

    async def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed:
            await connection.close()

    async def _backlog(self, queue: str) -> Backlog:
        try:
            if self._connection is None or self._connection.is_closed:
                self._connection = await connect(self._amqp_url)
            async with await open_channel(self._connection) as channel:
                found = (await channel.get_queue(queue)).declaration_result
        except ChannelNotFoundEntity:
            return Backlog(0, 0)  # no worker has ever been here
        except CONNECTION_ERRORS as error:
            self._connection = None  # which may go on saying that it is open
            raise BrokerUnavailable(str(error) or type(error).__name__) from error
        return Backlog(found.message_count or 0, found.consumer_count or 0)
