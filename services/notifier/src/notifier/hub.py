"""Which users have sockets here, and the one connection over which Redis tells what is for them.

What makes sure that nothing is missed: first the user's channel is subscribed and Redis has
confirmed it, then the position of the stream is read. Additions up to the position were before
the socket's time, all later ones come over the channel.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any
from uuid import UUID

import structlog
from common.background import stop_if_cancelled
from common.security import User
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from notifier.channel import Channel
from notifier.errors import SessionEnded
from notifier.sockets import Frame, Socket
from notifier.streams import Offset, Streams, channel_name, user_of

logger = structlog.get_logger(__name__)

_RECONNECT_SECONDS = 0.5
_SILENCE_SECONDS = 5.0
_POSITIONS_AT_ONCE = 500


class Hub:
    """Brings what is added to the streams to the sockets of this process.

    `subscriber` must not reconnect by itself: a lost connection means lost messages, and here
    it is found out whose.
    """

    def __init__(self, subscriber: Redis, streams: Streams) -> None:
        self._subscriber = subscriber
        self._streams = streams
        self._channels: dict[UUID, Channel] = {}
        self._asked: set[UUID] = set()
        self._confirmed: set[UUID] = set()
        self._changed: set[UUID] = set()
        self._change = asyncio.Event()

    def join(self, socket: Socket) -> None:
        """Greet a socket as soon as it can be, and tell it everything from there on."""
        user_id = socket.user.id
        channel = self._channels.setdefault(user_id, Channel(user_id))
        channel.join(socket)
        self._mark(user_id)

    def leave(self, socket: Socket) -> None:
        """Tell a socket nothing any more."""
        user_id = socket.user.id
        channel = self._channels[user_id]
        channel.leave(socket)
        if channel.empty:
            del self._channels[user_id]
            self._mark(user_id)

    def dismiss(self, user_id: UUID, denied: Callable[[User], bool]) -> None:
        """Close those of a user's sockets whose token is denied by now."""
        for socket in self._channels.get(user_id, ()):
            if denied(socket.user):
                socket.refuse(SessionEnded())

    async def run(self) -> None:
        """Keep the connection to Redis for ever, and the sockets alive while it is lost."""
        while True:
            try:
                await self._listen_until_lost()
            except* (RedisError, OSError) as lost:
                logger.warning("redis lost", errors=[str(error) for error in lost.exceptions])
            for channel in self._channels.values():
                channel.interrupt()
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _listen_until_lost(self) -> None:
        async with aclosing(self._subscriber.pubsub()) as pubsub:
            await pubsub.ping()
            self._asked.clear()
            self._confirmed.clear()
            self._mark(*self._channels)
            logger.info("listening", users=len(self._channels))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(pubsub))
                tasks.create_task(self._attend(pubsub))

    async def _read(self, pubsub: PubSub) -> None:
        """Take what Redis sends; ask after a silence, for a dead connection is silent as well."""
        asked = False
        while True:
            stop_if_cancelled()
            message = await pubsub.get_message(timeout=_SILENCE_SECONDS)
            if message is not None:
                asked = False
                self._take(message)
            elif asked:
                raise RedisConnectionError("no answer to a ping")
            else:
                asked = True
                await pubsub.ping()

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            user_id = user_of(message["channel"].decode())
            self._confirmed.add(user_id)
            self._mark(user_id)
        elif message["type"] == "message":
            channel = self._channels.get(user_of(message["channel"].decode()))
            if channel is not None:
                channel.deliver(_frame(message["data"]))

    async def _attend(self, pubsub: PubSub) -> None:
        """Act on what has changed: users who came or went, subscriptions that were confirmed."""
        while True:
            await self._change.wait()
            self._change.clear()
            changed, self._changed = self._changed, set()
            here = changed & self._channels.keys()
            await self._subscribe(pubsub, here - self._asked)
            # Only what is confirmed, so that a confirmation never belongs to a subscription
            # that was given up in the meantime.
            await self._unsubscribe(pubsub, (changed - here) & self._confirmed)
            await self._settle(here & self._confirmed)

    async def _subscribe(self, pubsub: PubSub, users: set[UUID]) -> None:
        if users:
            self._asked |= users
            await pubsub.subscribe(*map(channel_name, users))

    async def _unsubscribe(self, pubsub: PubSub, users: set[UUID]) -> None:
        if users:
            self._asked -= users
            self._confirmed -= users
            await pubsub.unsubscribe(*map(channel_name, users))

    async def _settle(self, users: set[UUID]) -> None:
        # The channels themselves, as one may be replaced while its position is read.
        found = (self._channels.get(user) for user in users)
        resting = [channel for channel in found if channel is not None and not channel.live]
        for start in range(0, len(resting), _POSITIONS_AT_ONCE):
            batch = resting[start : start + _POSITIONS_AT_ONCE]
            positions = await self._streams.positions([channel.user_id for channel in batch])
            for channel, position in zip(batch, positions, strict=True):
                channel.settle(position)

    def _mark(self, *users: UUID) -> None:
        self._changed.update(users)
        self._change.set()


def _frame(published: bytes) -> Frame:
    offset, _, text = published.partition(b" ")
    return Frame(text.decode(), len(text), Offset.parse(offset.decode()))
