"""The queries about signing keys."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from auth.keyring.models import SigningKey

_LOCK = 7_305_202  # next to the one of common.migrations; the number means nothing


class KeyRepository:
    """Finds and keeps signing keys in one session; never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def published(self) -> Sequence[SigningKey]:
        """Return the keys that are published."""
        keys = await self._session.scalars(
            sa.select(SigningKey)
            .where(SigningKey.retired_at.is_(None))
            .order_by(SigningKey.active_from.desc(), SigningKey.kid)
        )
        return keys.all()

    async def lock(self) -> None:
        """Let nobody else change the keys until this transaction ends."""
        await self._session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))

    async def add(self, key: SigningKey) -> None:
        """Insert a key."""
        self._session.add(key)
        await self._session.flush()
