"""The stream of each user in Redis: what the user's sockets are told, in order, each thing once.

The keys of a user: `stream:<user>` holds the messages, `epoch:<user>` names the stream's life,
`job:<user>:<job>` notes how far a job or a report has been told, `event:<user>:<source>:<id>`
that an event was added. Additions are published to the channel `user:<user>`. The scripts beside
this file do it all at one stroke, so that what is in the stream and what was published cannot
differ.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import NamedTuple
from uuid import UUID, uuid4

from common.envelope import Envelope
from redis.asyncio import Redis

from notifier.messages import Message

STREAM_LENGTH = 1000
"""About how many messages a user's stream keeps."""
_STREAM_SECONDS = 24 * 3600
_NOTE_SECONDS = 24 * 3600
_CHANNEL_PREFIX = "user:"


class Offset(NamedTuple):
    """A place in a stream: the id that Redis gave to an entry; later ones are greater."""

    milliseconds: int
    number: int

    @classmethod
    def parse(cls, text: str) -> "Offset":
        """Read an offset as it is written on the wire; raises `ValueError`."""
        milliseconds, _, number = text.partition("-")
        return cls(int(milliseconds), int(number))

    def __str__(self) -> str:
        return f"{self.milliseconds}-{self.number}"


class Position(NamedTuple):
    """Where a user's stream stands; an offset means nothing under another epoch."""

    epoch: str
    offset: Offset


@dataclass(frozen=True)
class Progress:
    """What a message tells of a job; it is refused where any of the three would fall."""

    job_id: UUID
    progress: int
    pages_done: int = 0
    rank: int = 0
    """How late in a job's life its status comes."""
    attempt: int = 1
    """A job that is tried again begins anew."""


@dataclass(frozen=True)
class End:
    """A message tells that a job has ended; nothing more is told of its attempt after it."""

    job_id: UUID
    full_progress: Message | None
    """Added first unless a progress of 100 was told; None when the job did not end well."""
    attempt: int = 1


def channel_name(user_id: UUID) -> str:
    """Return the channel on which additions to the user's stream are published."""
    return f"{_CHANNEL_PREFIX}{user_id}"


def user_of(channel: str) -> UUID:
    """Return whose channel it is."""
    return UUID(channel.removeprefix(_CHANNEL_PREFIX))


class Streams:
    """Reads and extends the users' streams."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._add = redis.register_script(_script("add"))
        self._position = redis.register_script(_script("position"))
        self._in_turn = asyncio.Lock()

    async def add(
        self,
        user_id: UUID,
        message: Message,
        *,
        cause: Envelope,
        step: Progress | End | None = None,
    ) -> int:
        """Add a message and publish it; return how many were added, which may be none.

        None is added when the cause has led to a message before, or when the step would lead
        a job back.
        """
        job = f"job:{user_id}:{step.job_id}:{step.attempt}" if step else f"job:{user_id}"
        keys = (*_keys(user_id), f"event:{user_id}:{cause.source}:{cause.id}", job)
        arguments = (
            channel_name(user_id),
            uuid4().hex,
            STREAM_LENGTH,
            _STREAM_SECONDS,
            _NOTE_SECONDS,
            *_step(message, step),
        )
        # One after the other: over several connections, events that arrived in order could
        # overtake each other, and the late ones would be refused.
        async with self._in_turn:
            added: int = await self._add(keys, arguments)
        return added

    async def positions(self, user_ids: Sequence[UUID]) -> list[Position]:
        """Return where the users' streams stand; a stream that is not there begins its life."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for user_id in user_ids:
                await self._position(_keys(user_id), (uuid4().hex, _STREAM_SECONDS), pipeline)
            answers = await pipeline.execute()
        return [Position(epoch.decode(), Offset.parse(last.decode())) for epoch, last in answers]


def _keys(user_id: UUID) -> tuple[str, str]:
    return f"stream:{user_id}", f"epoch:{user_id}"


def _step(message: Message, step: Progress | End | None) -> tuple[str | int, ...]:
    text = message.encode()
    match step:
        case Progress():
            return "progress", text, step.progress, step.pages_done, step.rank
        case End():
            return "end", text, step.full_progress.encode() if step.full_progress else ""
        case None:
            return "message", text


def _script(name: str) -> str:
    folder = resources.files("notifier") / "lua"
    return "\n".join((folder / f"{part}.lua").read_text() for part in ("life", name))
