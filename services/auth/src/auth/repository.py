"""The queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from auth.errors import EmailTaken, UsernameTaken
from auth.models import (
    UNIQUE_EMAIL,
    UNIQUE_USERNAME,
    RefreshToken,
    SigningKey,
    User,
    UserSession,
    now,
)

_START_LOCK = 7_305_202  # next to the one of common.migrations; the number means nothing

_TAKEN = {UNIQUE_EMAIL: EmailTaken, UNIQUE_USERNAME: UsernameTaken}


@dataclass(frozen=True)
class PasswordRecord:
    """Whose password it is, and its hash."""

    user_id: UUID
    password_hash: str


class AuthRepository:
    """Finds and keeps users, sessions, tokens and keys in one session; never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add_user(self, user: User) -> None:
        """Insert a user; raises `EmailTaken`, `UsernameTaken`."""
        self._session.add(user)
        try:
            await self._session.flush()
        except IntegrityError as error:
            _raise_taken(error)

    async def find_user(self, user_id: UUID) -> User | None:
        """Return a user, if there is one with this id."""
        return await self._session.get(User, user_id)

    async def find_password(self, login: str) -> PasswordRecord | None:
        """Return the password of the user with this e-mail address or username, if there is one."""
        # A username contains no "@", so the two never mean different users.
        name = User.email if "@" in login else User.username
        row = (
            await self._session.execute(
                sa.select(User.id, User.password_hash).where(
                    sa.func.lower(name) == sa.func.lower(login)
                )
            )
        ).one_or_none()
        return PasswordRecord(row.id, row.password_hash) if row else None

    async def add_session(self, session: UserSession) -> None:
        """Insert a session."""
        self._session.add(session)
        await self._session.flush()

    async def lock_session(self, session_id: UUID) -> UserSession | None:
        """Return a session that nobody else changes until this transaction ends."""
        return await self._session.scalar(
            # Not FOR UPDATE: that would wait for everybody who adds a refresh token to it.
            sa.select(UserSession)
            .where(UserSession.id == session_id)
            .with_for_update(key_share=True)
        )

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

    async def lock_signing_keys(self) -> Sequence[SigningKey]:
        """Return the published keys, newest first; others who ask wait for this transaction."""
        await self._session.execute(sa.select(sa.func.pg_advisory_xact_lock(_START_LOCK)))
        keys = await self._session.scalars(
            sa.select(SigningKey)
            .where(SigningKey.retired_at.is_(None))
            .order_by(SigningKey.created_at.desc(), SigningKey.kid)
        )
        return keys.all()

    async def add_signing_key(self, key: SigningKey) -> None:
        """Insert a signing key."""
        self._session.add(key)
        await self._session.flush()


def _raise_taken(error: IntegrityError) -> NoReturn:
    constraint = getattr(error.driver_exception, "constraint_name", None)
    taken = _TAKEN.get(str(constraint))
    raise taken() if taken else error
