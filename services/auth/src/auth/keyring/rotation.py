"""Rotating the signing keys without logging anyone out.

A new key is published first and signs minutes later; the old one stays published until every
token that it has signed has run out. Only a key that has fallen into wrong hands goes at once.
"""

from datetime import timedelta

import structlog
from cryptography.fernet import Fernet
from sqlalchemy.ext.asyncio import AsyncSession

from auth.audit.models import Action
from auth.audit.service import AuditLog
from auth.base import now
from auth.keyring.keyring import new_signing_key, unlock
from auth.keyring.models import SigningKey, outlived, signing
from auth.keyring.repository import KeyRepository

logger = structlog.get_logger(__name__)

PUBLISHED_BEFORE = timedelta(minutes=5)
"""Much longer than it takes every replica to reload and every verifier to fetch the keys."""


class KeyRotation:
    """What can be done about the keys in the database; the processes follow in seconds."""

    def __init__(self, session: AsyncSession, vault: Fernet) -> None:
        self._session = session
        self._keys = KeyRepository(session)
        self._vault = vault

    async def rotate(self, *, compromised: bool = False) -> SigningKey:
        """Make the next key; if the present ones are compromised, it takes over at once.

        Then every access token dies, and clients get new ones for their refresh tokens.

        Raises `SigningKeyLocked` rather than to make one that the processes could not read.
        """
        await self._keys.lock()
        present = await self._keys.published()
        if not compromised:
            for old in present:
                unlock(old, self._vault)
        active_from = now() if compromised else now() + PUBLISHED_BEFORE
        key = new_signing_key(self._vault, active_from=active_from)
        await self._keys.add(key)
        if compromised:
            for old in present:
                old.retire()
        AuditLog(self._session).record(
            Action.SIGNING_KEY_ROTATED,
            actor_id=None,
            user_id=None,
            kid=key.kid,
            compromised=compromised,
        )
        logger.info("signing key rotated", kid=key.kid, compromised=compromised)
        return key

    async def keep_fresh(self, *, max_age: timedelta) -> None:
        """Retire keys that have outlived their tokens, and rotate one that is too old."""
        await self._keys.lock()
        published = await self._keys.published()
        for key in outlived(published):
            key.retire()
            logger.info("signing key retired", kid=key.kid)
        newest = max((key.active_from for key in published), default=now())
        if published and newest <= now() and signing(published).active_from + max_age <= now():
            await self.rotate()
