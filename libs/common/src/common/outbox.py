"""The outbox: an event is a row beside the change it announces, and a relay sends it later.

So uploads are accepted while the broker is down, and no change is ever announced that did not
happen. Two relays share the work (`SKIP LOCKED`), each row is sent at least once, and no order
is promised.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
import structlog
from contracts import Event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from common.broker import BrokerUnavailable, EventRefused, Publisher
from common.database import Sessions, frame_metadata
from common.envelope import Envelope, seal
from common.notified import whenever_notified
from common.telemetry import outbox_refused, outbox_waiting

logger = structlog.get_logger(__name__)

outbox = sa.Table(
    "outbox",
    frame_metadata,
    sa.Column("position", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("routing_key", sa.Text, nullable=False),
    sa.Column("time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("data", JSONB, nullable=False),
    sa.Column("trace", JSONB, nullable=False),
    sa.Column("refusals", sa.Integer, nullable=False, server_default="0"),
    sa.Column("due_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)
sa.Index("ix_outbox_refusals_position", outbox.c.refusals, outbox.c.position)

CHANNEL = "outbox"
"""On which PostgreSQL tells that something was recorded."""
_BATCH = 100
_POLL_SECONDS = 2.0
_MAX_REFUSAL_SECONDS = 60


async def record(session: AsyncSession, *events: Event, source: str) -> None:
    """Write events into the transaction; they go out once that has been committed."""
    if not events:
        return
    envelopes = [seal(event, source=source) for event in events]
    await session.execute(
        sa.insert(outbox),
        [
            {
                "id": envelope.id,
                "source": envelope.source,
                "type": envelope.type,
                "routing_key": envelope.routing_key,
                "time": envelope.time,
                "data": envelope.data,
                "trace": envelope.trace,
            }
            for envelope in envelopes
        ],
    )
    if "outbox_notified" not in session.info:
        # PostgreSQL delivers a NOTIFY at commit, and once however often it is given.
        await session.execute(sa.select(sa.func.pg_notify(CHANNEL, "")))
        session.info["outbox_notified"] = True


class Relay:
    """Carries outbox rows to the broker until it is cancelled."""

    def __init__(self, *, database_url: str, sessions: Sessions, publisher: Publisher) -> None:
        self._database_url = database_url
        self._sessions = sessions
        self._publisher = publisher

    async def run(self) -> None:
        """Send what is waiting whenever something is committed, and look now and then anyway."""
        await whenever_notified(
            self._database_url,
            CHANNEL,
            self._send_all,
            at_least_every=_POLL_SECONDS,
            outages=(BrokerUnavailable,),
        )

    async def send_batch(self) -> bool:
        """Send one batch; return whether there may be more to send at once.

        The rows stay locked while they are sent, so that a second relay takes others, and are
        deleted in the same transaction. A crash in between sends them again.
        """
        await self._publisher.ping()  # no row is locked while there is nobody to send it to
        async with self._sessions.begin() as session:
            rows = (
                await session.execute(
                    sa.select(outbox)
                    .where(outbox.c.due_at <= sa.func.now())
                    .order_by(outbox.c.refusals, outbox.c.position)  # what was refused comes last
                    .limit(_BATCH)
                    .with_for_update(skip_locked=True)
                )
            ).all()
            outcomes = await self._publisher.publish_all([_envelope(row) for row in rows])
            await self._settle(session, rows, outcomes)
        for error in outcomes:
            if isinstance(error, Exception) and not isinstance(error, EventRefused):
                raise error
        return len(rows) == _BATCH

    async def _send_all(self) -> None:
        await self._count()
        while await self.send_batch():
            pass

    async def _count(self) -> None:
        async with self._sessions() as session:
            waiting = await session.scalar(sa.select(sa.func.count()).select_from(outbox))
        outbox_waiting.set(waiting or 0)

    async def _settle(
        self,
        session: AsyncSession,
        rows: Sequence[sa.Row[Any]],
        outcomes: Sequence[Exception | None],
    ) -> None:
        """Delete what has arrived; let what was refused wait longer each time."""
        sent = [row.position for row, error in zip(rows, outcomes, strict=True) if error is None]
        if sent:
            await session.execute(sa.delete(outbox).where(outbox.c.position.in_(sent)))
        for row, error in zip(rows, outcomes, strict=True):
            if isinstance(error, EventRefused):
                logger.error(
                    "event refused", name=row.routing_key, event_id=row.id, error=str(error)
                )
                outbox_refused.labels(row.routing_key, str(error)).inc()
                seconds = min(2**row.refusals, _MAX_REFUSAL_SECONDS)
                await session.execute(
                    sa.update(outbox)
                    .where(outbox.c.position == row.position)
                    .values(
                        refusals=outbox.c.refusals + 1,
                        due_at=sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds),
                    )
                )


def _envelope(row: sa.Row[Any]) -> Envelope:
    return Envelope(
        id=row.id,
        source=row.source,
        type=row.type,
        routing_key=row.routing_key,
        time=row.time,
        data=row.data,
        trace=row.trace,
    )
