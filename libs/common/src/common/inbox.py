"""The inbox: the same event, delivered twice, takes effect once.

The note that an event was seen is written in the transaction of its effect, so either both are
there or neither is.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from contracts import Event
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from common.consumer import Handler, Handlers
from common.database import Sessions, frame_metadata, transaction
from common.envelope import Envelope

logger = structlog.get_logger(__name__)

inbox = sa.Table(
    "inbox",
    frame_metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column(
        "received_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    ),
)

SessionHandler = Callable[[AsyncSession, Any], Awaitable[None]]
"""A handler that changes the database: `(session, event)`."""


def once(sessions: Sessions, handlers: Mapping[type[Event], SessionHandler]) -> Handlers:
    """Wrap handlers so that each event runs in one transaction, and only the first time."""
    return {kind: _once(sessions, handler) for kind, handler in handlers.items()}


async def forget(session: AsyncSession, *, older_than: timedelta) -> None:
    """Drop the notes of events that will not come again: no delivery is retried for so long."""
    await session.execute(sa.delete(inbox).where(inbox.c.received_at < sa.func.now() - older_than))


async def seen_before(session: AsyncSession, envelope: Envelope) -> bool:
    """Note an event in the transaction; tell whether an earlier one has noted it already.

    For a handler that needs the envelope, or whose effect lies outside the database; the others
    are wrapped with `once`.
    """
    new = await session.scalar(
        insert(inbox)
        .values(source=envelope.source, id=envelope.id)
        .on_conflict_do_nothing()
        .returning(inbox.c.id)
    )
    if new is None:
        logger.info("seen before", event_id=envelope.id)
    return new is None


def _once(sessions: Sessions, handler: SessionHandler) -> Handler:
    async def handle(event: Event, envelope: Envelope) -> None:
        async with transaction(sessions) as session:
            if not await seen_before(session, envelope):
                await handler(session, event)

    return handle
