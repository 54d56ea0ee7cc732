"""The queries about sessions and refresh tokens."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from auth.base import now
from auth.sessions.models import RefreshToken, UserSession


class SessionRepository:
    """Finds and keeps sessions in one database session; never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, session: UserSession) -> None:
        """Insert a session."""
        self._session.add(session)
        await self._session.flush()

    async def lock(self, session_id: UUID) -> UserSession | None:
        """Return a session that nobody else changes until this transaction ends."""
        return await self._session.scalar(
            # Not FOR UPDATE: that would wait for everybody who adds a refresh token to it.
            sa.select(UserSession)
            .where(UserSession.id == session_id)
            .with_for_update(key_share=True)
        )

    async def live(self, user_id: UUID, *, lock: bool = False) -> Sequence[UserSession]:
        """Return a user's sessions that are neither revoked nor over, the latest first.

        Locked, nobody else changes them until this transaction ends, and they come in any order.
        """
        query = sa.select(UserSession).where(
            UserSession.user_id == user_id,
            UserSession.revoked_at.is_(None),
            UserSession.expires_at > now(),
            UserSession.idle_until > now(),
        )
        if lock:  # in an order that never changes: two who lock the same must not cross
            query = query.order_by(UserSession.id).with_for_update(key_share=True)
        else:
            query = query.order_by(UserSession.last_seen_at.desc(), UserSession.id)
        return (await self._session.scalars(query)).all()

    async def add_refresh_token(self, token: RefreshToken) -> None:
        """Insert a refresh token."""
        self._session.add(token)
        await self._session.flush()

    async def spend(self, digest: bytes) -> UserSession | None:
        """Spend a refresh token and return its session, or None if there was nothing to spend.

        One statement decides: of many that come with the same token exactly one gets a session.
        But the session is locked first, as by whoever ends it or deletes the account: in another
        order two could each hold what the other waits for.
        """
        session = await self._session.scalar(
            sa.select(UserSession)
            .join(RefreshToken, RefreshToken.session_id == UserSession.id)
            .where(RefreshToken.digest == digest)
            .with_for_update(of=UserSession, key_share=True)
        )
        spent = await self._session.scalar(
            sa.update(RefreshToken)
            .where(RefreshToken.digest == digest, RefreshToken.spent_at.is_(None))
            .values(spent_at=now())
            .returning(RefreshToken.digest)
        )
        return session if spent else None

    async def find_session_of(self, digest: bytes) -> UUID | None:
        """Return the id of the session that a refresh token belongs to, spent or not."""
        return await self._session.scalar(
            sa.select(RefreshToken.session_id).where(RefreshToken.digest == digest)
        )
