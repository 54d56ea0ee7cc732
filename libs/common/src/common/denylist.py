"""The deny-list: which tokens are refused although they have not run out yet.

Auth writes it into a Redis stream, and every process that checks tokens follows the stream and
keeps it in memory: a check costs no round trip, and a denial bites everywhere within
milliseconds. While Redis is away a process goes on with what it knows: tokens live for minutes,
and to refuse everybody would let one server's trouble end all work. A process that has never read
the list knows nothing, and believes no token until it has.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import structlog
from cachetools import TTLCache
from redis.asyncio import Redis
from redis.exceptions import RedisError

from common.background import stop_if_cancelled
from common.errors import Unavailable

logger = structlog.get_logger(__name__)

MAX_TOKEN_SECONDS = 3600
"""No access token lives longer, so no denial has to be remembered for much longer."""

# Longer than a token, by more than clocks differ and than a token that has run out is still taken.
_REMEMBER_SECONDS = MAX_TOKEN_SECONDS + 120
_STREAM = "denied"
_COMPLETE = "denied:complete"
_BLOCK_SECONDS = 1.0  # less than the client waits for an answer
_RETRY_SECONDS = 0.5
_BATCH = 1000


@dataclass(frozen=True)
class Denial:
    """One session's tokens are refused, or all of a user's that are older than a version."""

    user_id: UUID
    session_id: UUID | None = None
    version: int | None = None


class Claims(Protocol):
    """What of a token decides whether it is denied."""

    @property
    def id(self) -> UUID:
        """The user."""

    @property
    def session_id(self) -> UUID:
        """The session."""

    @property
    def version(self) -> int:
        """The version of the user's rights that it was issued with."""


class DenyList:
    """Follows the list until it is cancelled; `on_denied` hears of every user it concerns.

    It may hear of the same denial again. The client should be one that never tries again by
    itself (`common.redis.NEVER`): a connection that was lost is how the list learns that the
    stream may be another.
    """

    def __init__(self, redis: Redis, *, on_denied: Callable[[UUID], None] | None = None) -> None:
        self._redis = redis
        self._on_denied = on_denied or (lambda _: None)
        self._last = "0"
        self._loaded = False
        self._sessions: TTLCache[UUID, None] = TTLCache(math.inf, _REMEMBER_SECONDS)
        self._versions: TTLCache[UUID, int] = TTLCache(math.inf, _REMEMBER_SECONDS)

    def denies(self, token: Claims) -> bool:
        """Tell whether a token is refused; raises `Unavailable` before the list was first read."""
        if not self._loaded:
            raise Unavailable("Which tokens were revoked is not known yet.")
        return token.session_id in self._sessions or token.version < self._versions.get(
            token.id, token.version
        )

    async def run(self) -> None:
        """Keep up with the stream; after a loss read all of it again, for it may be another."""
        while True:
            try:
                await self.load()
                while True:
                    await self._read(block_seconds=_BLOCK_SECONDS)
            except (RedisError, OSError, TimeoutError) as error:
                logger.warning("deny-list cannot be read, the known part holds", error=repr(error))
            await asyncio.sleep(_RETRY_SECONDS)

    async def open(self) -> None:
        """Read the list if Redis is there, so that the first request need not wait for `run`."""
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            await self.load()

    async def load(self) -> None:
        """Read what there is; raises `RedisError`."""
        self._last = "0"
        while await self._read(block_seconds=None):
            pass
        self._loaded = True

    async def _read(self, *, block_seconds: float | None) -> bool:
        stop_if_cancelled()
        block = int(block_seconds * 1000) if block_seconds else None
        answer: Any = await self._redis.xread({_STREAM: self._last}, count=_BATCH, block=block)
        entries = answer[0][1] if answer else []
        for offset, fields in entries:
            self._last = offset.decode()
            self._learn(fields)
        return len(entries) == _BATCH

    def _learn(self, fields: Mapping[bytes, bytes]) -> None:
        try:
            user_id = UUID(fields[b"user"].decode())
            if session := fields.get(b"session"):
                self._sessions[UUID(session.decode())] = None
            if version := fields.get(b"version"):
                self._versions[user_id] = max(int(version), self._versions.get(user_id, 0))
        except (KeyError, ValueError) as error:
            # One entry that nobody can read must not end every process that follows the list.
            logger.error("denial cannot be read", error=repr(error))  # noqa: TRY400
            return
        self._on_denied(user_id)


async def announce(redis: Redis, denials: Iterable[Denial], *, complete: bool = False) -> None:
    """Add denials to the list, and drop those that no living token needs; raises `RedisError`.

    To announce one twice does no harm. `complete` says that these are all that matter, and that
    is noted in the same step: a Redis that loses them loses the note.
    """
    oldest = int((time.time() - _REMEMBER_SECONDS) * 1000)
    async with redis.pipeline(transaction=complete) as pipeline:
        for denial in denials:
            fields: dict[Any, Any] = {"user": str(denial.user_id)}
            if denial.session_id is not None:
                fields["session"] = str(denial.session_id)
            if denial.version is not None:
                fields["version"] = str(denial.version)
            pipeline.xadd(_STREAM, fields, minid=str(oldest), approximate=True)
        if complete:
            pipeline.set(_COMPLETE, 1)
        await pipeline.execute()


async def is_complete(redis: Redis) -> bool:
    """Tell whether the list still holds everything, which a Redis that lost its data does not."""
    return bool(await redis.exists(_COMPLETE))
