"""Doing something whenever PostgreSQL is given a NOTIFY, and now and then anyway."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import asyncpg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from common.background import stop_if_cancelled
from common.database import plain_url
from common.errors import Unavailable

logger = structlog.get_logger(__name__)

_DATABASE_AWAY = (Unavailable, SQLAlchemyError, asyncpg.PostgresError, OSError)


async def whenever_notified(
    database_url: str,
    channel: str,
    work: Callable[[], Awaitable[object]],
    *,
    at_least_every: float,
    outages: tuple[type[Exception], ...] = (),
) -> None:
    """Do the work again and again until cancelled: at each NOTIFY, and every so many seconds.

    A NOTIFY may be lost with its connection; the seconds are the net below. When the database is
    away, or for one of the `outages`, the work is tried again at the next turn.
    """
    wake = asyncio.Event()
    passing: tuple[type[Exception], ...] = (*_DATABASE_AWAY, *outages)
    listener: asyncpg.Connection[asyncpg.Record] | None = None
    try:
        while True:
            stop_if_cancelled()
            wake.clear()
            try:
                if listener is None or listener.is_closed():
                    # LISTEN needs a connection of its own.
                    listener = await asyncpg.connect(plain_url(database_url), timeout=10)
                    await listener.add_listener(channel, lambda *_: wake.set())
                await work()
            except passing as error:
                logger.warning("will be tried again", work=channel, error=repr(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(at_least_every):
                    await wake.wait()
    finally:
        if listener is not None:
            listener.terminate()
