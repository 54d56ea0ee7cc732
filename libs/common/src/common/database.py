"""PostgreSQL: sessions, and one transaction for each request or message.

Nobody inside commits: `transaction` is the edge, and opens and ends it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Protocol

import asyncpg
from fastapi import Depends
from sqlalchemy import MetaData, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from starlette.requests import HTTPConnection

from common.errors import Problem, Unavailable

Sessions = async_sessionmaker[AsyncSession]

_CONFLICTS = frozenset({"40001", "40P01"})
"""Serialisation failure and deadlock: the same will succeed when it is tried again."""

naming = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Names of constraints, fixed so that migrations and error handling can rely on them."""

frame_metadata = MetaData(naming_convention=naming)
"""The tables of the frame: outbox, inbox, periodic and idempotency_keys, wherever they are used."""


class HasSessions(Protocol):
    """What a service's resources must offer for the `Session` dependency to work."""

    @property
    def sessions(self) -> Sessions:
        """Make sessions of the service's database."""


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[tuple[AsyncEngine, Sessions]]:
    """Yield an engine and its session factory; nothing connects before the first query."""

    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        try:
            return await asyncpg.connect(plain_url(url), timeout=10)
        except (
            OSError,
            TimeoutError,
            asyncpg.CannotConnectNowError,
            asyncpg.TooManyConnectionsError,
        ) as error:
            raise Unavailable("The database does not answer.") from error

    engine = create_async_engine(
        url,
        async_creator=connect,
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=10,
        hide_parameters=True,  # they hold what users have written, and errors go to the log
    )
    try:
        yield engine, async_sessionmaker(engine, expire_on_commit=False)
    finally:
        await engine.dispose()


async def ping(engine: AsyncEngine) -> None:
    """Raise unless the database answers."""
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))


@asynccontextmanager
async def transaction(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """Commit at the end, roll back on an error, except for a `Problem` that `commits`."""
    async with sessions() as session:
        try:
            yield session
            await session.commit()
        except Problem as problem:
            if problem.commits:
                await session.commit()
            raise
        except DBAPIError as error:
            if error.connection_invalidated:
                raise Unavailable("The database does not answer.") from error
            if getattr(error.orig, "sqlstate", None) in _CONFLICTS:
                message = "Somebody else changed the same at the same moment."
                raise Unavailable(message, retry_after=1) from error
            raise


def plain_url(url: str) -> str:
    """Return the URL as asyncpg itself wants it, without SQLAlchemy's dialect."""
    return url.replace("postgresql+asyncpg://", "postgresql://", 1)


async def _session(connection: HTTPConnection) -> AsyncIterator[AsyncSession]:
    resources: HasSessions = connection.app.state.resources
    async with transaction(resources.sessions) as session:
        yield session


# scope="function": with the default, FastAPI would commit after the answer has been sent, and a
# commit that fails would still have shown the client a 201.
Session = Annotated[AsyncSession, Depends(_session, scope="function")]
