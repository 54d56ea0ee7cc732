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
        """Return a user's sessions that are neither revoked nor over, the latest first."""
        query = (
            sa.select(UserSession)
            .where(
                UserSession.user_id == user_id,
                UserSession.revoked_at.is_(None),
                UserSession.expires_at > now(),
            )
            .order_by(UserSession.last_seen_at.desc(), UserSession.id)
        )
        if lock:
            query = query.with_for_update(key_share=True)
        return (await self._session.scalars(query)).all()

    async def add_refresh_token(self, token: RefreshToken) -> None:
        """Insert a refresh token."""
        self._session.add(token)
        await self._session.flush()

    async def spend(self, digest: bytes) -> UserSession | None:
        """Spend a refresh token and return its session, or None if there was nothing to spend.

        One statement decides: of many that come with the same token exactly one gets a session.
        """
        session_id = await self._session.scalar(
            sa.update(RefreshToken)
            .where(RefreshToken.digest == digest, RefreshToken.spent_at.is_(None))
            .values(spent_at=now())
            .returning(RefreshToken.session_id)
        )
        return await self._session.get_one(UserSession, session_id) if session_id else None

    async def find_session_of(self, digest: bytes) -> UUID | None:
        """Return the id of the session that a refresh token belongs to, spent or not."""
        return await self._session.scalar(
            sa.select(RefreshToken.session_id).where(RefreshToken.digest == digest)
        )
