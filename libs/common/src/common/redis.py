"""Redis: a client that gives up soon, or never, but does not hang."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff

from common.settings import RedisSettings

ANSWER_SECONDS = 2.0
_BACKOFF = ExponentialWithJitterBackoff(base=0.05, cap=1)

A_FEW_TIMES = Retry(_BACKOFF, 3)
FOR_EVER = Retry(_BACKOFF, -1)
NEVER = Retry(_BACKOFF, 0, supported_errors=())
"""Not even one silent reconnection, as zero retries alone would mean."""


def open_redis(settings: RedisSettings, retry: Retry = A_FEW_TIMES) -> Redis:
    """Open a client that tries a command again, as `retry` says, when the connection fails."""
    pool = BlockingConnectionPool.from_url(
        settings.redis_url.get_secret_value(),
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=retry,
        timeout=ANSWER_SECONDS,  # how long to wait for a connection while all are in use
    )
    return Redis.from_pool(pool)
