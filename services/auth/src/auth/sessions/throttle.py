"""Slowing down who guesses: the more attempts have failed, the longer the next one has to wait.

An attempt counts before it is made and is taken back when it succeeds, so that many at once get
no further than one after the other. An attempt that comes too early is refused and does not
count: hammering makes nobody wait longer. The wait is bounded, a new password by mail ends it,
and where somebody has signed in lately their account's limit does not apply: so no stranger can
lock an owner out.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from common.errors import Unavailable
from redis.asyncio import Redis
from redis.exceptions import RedisError

from auth.device import Device
from auth.sessions.errors import TooManyAttempts

_KNOWN_SECONDS = 30 * 24 * 3600

# KEYS: counters. ARGV: for each the free attempts, the longest wait and the memory, in ms.
# Returns how many ms to wait; 0 when the attempt may be made, and then it has been counted.
_ATTEMPT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local wait = 0
for i, key in ipairs(KEYS) do
  local due = tonumber(redis.call('HGET', key, 'due') or '0')
  wait = math.max(wait, due - now)
end
if wait > 0 then return wait end
for i, key in ipairs(KEYS) do
  local free, longest, memory = ARGV[3*i-2], tonumber(ARGV[3*i-1]), ARGV[3*i]
  local count = redis.call('HINCRBY', key, 'count', 1)
  local over = count - tonumber(free)
  if over >= 0 then
    redis.call('HSET', key, 'due', now + math.min(1000 * 2 ^ math.min(over, 20), longest))
  end
  redis.call('PEXPIRE', key, memory)
end
return 0
"""


@dataclass(frozen=True)
class Limit:
    """How many attempts are free, how long the wait gets, and for how long failures count."""

    name: str
    free: int
    longest_seconds: int
    memory_seconds: int


ACCOUNT = Limit("account", free=5, longest_seconds=60, memory_seconds=3600)
ADDRESS = Limit("address", free=50, longest_seconds=60, memory_seconds=900)
SECOND_FACTOR = Limit("mfa", free=5, longest_seconds=60, memory_seconds=3600)
CONFIRMATION = Limit("confirmation", free=5, longest_seconds=60, memory_seconds=3600)


class Throttle:
    """Counts attempts in Redis. Without it nobody gets in: no guess may go uncounted."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._attempt = redis.register_script(_ATTEMPT)

    async def login(self, login: str, device: Device) -> "Attempt":
        """Count an attempt to sign in; raises `TooManyAttempts`, `Unavailable`."""
        account = _digest(login.casefold())
        try:
            known = await self._redis.exists(_known(account, device))
        except RedisError as error:
            raise _unavailable() from error
        network = _digest(device.network)
        # Where somebody has signed in lately, only their own failures there count, and not what
        # others try on their account from elsewhere, or on other accounts from the same network.
        counters: Sequence[tuple[Limit, str]] = (
            [(ACCOUNT, f"{account}:{network}")]
            if known
            else [(ACCOUNT, account), (ADDRESS, network)]
        )
        attempt = Attempt(self._redis, counters, known=_known(account, device))
        await self._count(attempt)
        return attempt

    async def guess(self, limit: Limit, user_id: UUID) -> "Attempt":
        """Count a guess at something of a user's; raises `TooManyAttempts`, `Unavailable`."""
        attempt = Attempt(self._redis, ((limit, str(user_id)),))
        await self._count(attempt)
        return attempt

    async def forgive(self, *logins: str, device: Device | None) -> None:
        """Forget the failures of an account, however one may call it; there, and elsewhere."""
        accounts = [_digest(login.casefold()) for login in logins]
        if device is not None:
            network = _digest(device.network)
            accounts += [f"{account}:{network}" for account in accounts]
        try:
            await self._redis.delete(*(_key(ACCOUNT, account) for account in accounts))
        except RedisError as error:
            raise _unavailable() from error

    async def _count(self, attempt: "Attempt") -> None:
        arguments = [
            number
            for limit, _ in attempt.counters
            for number in (limit.free, limit.longest_seconds * 1000, limit.memory_seconds * 1000)
        ]
        try:
            wait = int(await self._attempt(keys=attempt.keys, args=arguments))
        except RedisError as error:
            raise _unavailable() from error
        if wait:
            raise TooManyAttempts(-(-wait // 1000))


class Attempt:
    """One attempt that was counted."""

    def __init__(
        self, redis: Redis, counters: Sequence[tuple[Limit, str]], *, known: str | None = None
    ) -> None:
        self._redis = redis
        self._known = known
        self.counters = counters
        self.keys = [_key(limit, what) for limit, what in counters]

    async def succeed(self) -> None:
        """Forget the failures; those of an address stay, or one good account would excuse all."""
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for (limit, _), key in zip(self.counters, self.keys, strict=True):
                    if limit is ADDRESS:
                        pipeline.hincrby(key, "count", -1)
                    else:
                        pipeline.delete(key)
                if self._known:
                    pipeline.set(self._known, 1, ex=_KNOWN_SECONDS)
                await pipeline.execute()
        except RedisError as error:
            raise _unavailable() from error


def _key(limit: Limit, what: str) -> str:
    return f"throttle:{limit.name}:{what}"


def _known(account: str, device: Device) -> str:
    return f"known:{account}:{_digest(device.network)}"


def _digest(text: str) -> str:
    """Keep what people type, passwords in the wrong field included, out of Redis."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _unavailable() -> Unavailable:
    return Unavailable("Attempts cannot be counted.")
