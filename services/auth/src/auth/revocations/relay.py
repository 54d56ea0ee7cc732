"""Carries revocations from the database to the deny-list in Redis.

A revocation is a row beside the change that it belongs to, so it can neither be lost with Redis
nor be announced without the change. Every api process carries them: one of them is enough.
"""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
import structlog
from common.database import Sessions, transaction
from common.denylist import MAX_TOKEN_SECONDS, announce, is_complete
from common.notified import whenever_notified
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

from auth.base import now
from auth.revocations.models import Revocation

logger = structlog.get_logger(__name__)

_CHANNEL = "revocations"
_BATCH = 1000
_POLL_SECONDS = 1.0


async def revoke(
    session: AsyncSession,
    user_id: UUID,
    *,
    session_id: UUID | None = None,
    version: int | None = None,
) -> None:
    """Refuse a session's tokens, or a user's older than a version, once this is committed."""
    session.add(Revocation(user_id=user_id, session_id=session_id, version=version))
    if "revocations_notified" not in session.info:
        # PostgreSQL delivers a NOTIFY at commit, and once however often it is given.
        await session.execute(sa.select(sa.func.pg_notify(_CHANNEL, "")))
        session.info["revocations_notified"] = True


class RevocationRelay:
    """Announces what has been revoked until it is cancelled."""

    def __init__(self, *, database_url: str, sessions: Sessions, redis: Redis) -> None:
        self._database_url = database_url
        self._sessions = sessions
        self._redis = redis

    async def run(self) -> None:
        """Announce whenever something is committed, and look every second anyway."""
        await whenever_notified(
            self._database_url,
            _CHANNEL,
            self.announce,
            at_least_every=_POLL_SECONDS,
            outages=(RedisError,),
        )

    async def announce(self) -> None:
        """Announce what has not been yet; and everything, when Redis has lost it."""
        if not await is_complete(self._redis):
            await self._announce_all()
        while await self._announce_batch():
            pass

    async def _announce_batch(self) -> bool:
        async with transaction(self._sessions) as session:
            rows = (
                await session.scalars(
                    sa.select(Revocation)
                    .where(Revocation.announced_at.is_(None))
                    .order_by(Revocation.id)
                    .limit(_BATCH)
                    .with_for_update(skip_locked=True)
                )
            ).all()
            if rows:
                await announce(self._redis, [row.denial for row in rows])
            for row in rows:
                row.announced_at = now()
        return len(rows) == _BATCH

    async def _announce_all(self) -> None:
        oldest = now() - timedelta(seconds=MAX_TOKEN_SECONDS)
        async with self._sessions() as session:
            rows = await session.scalars(sa.select(Revocation).where(Revocation.at > oldest))
            await announce(self._redis, [row.denial for row in rows], complete=True)
