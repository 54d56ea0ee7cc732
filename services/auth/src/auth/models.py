"""The tables, and the rules of an account's and a session's life."""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

import sqlalchemy as sa
from common.database import naming
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from auth.errors import AccountDeactivated, SessionEnded


class Base(DeclarativeBase):
    """The auth service's own tables."""

    metadata = sa.MetaData(naming_convention=naming)
    type_annotation_map: ClassVar = {
        datetime: sa.DateTime(timezone=True),
        dict[str, Any]: JSONB,
        str: sa.Text,
    }


def now() -> datetime:
    """Return the current time, in UTC as everywhere."""
    return datetime.now(UTC)


UNIQUE_EMAIL = "uq_users_email"
UNIQUE_USERNAME = "uq_users_username"


class User(Base):
    """An account."""

    __tablename__ = "users"
    __table_args__ = (
        # That a name is taken is decided by these indexes and not by a look-up, so that two
        # registrations at the same moment cannot both pass.
        sa.Index(UNIQUE_EMAIL, sa.text("lower(email)"), unique=True),
        sa.Index(UNIQUE_USERNAME, sa.text("lower(username)"), unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    email: Mapped[str]
    username: Mapped[str]
    password_hash: Mapped[str]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    email_verified_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)

    @property
    def email_verified(self) -> bool:
        """Whether the owner has shown that the address is theirs."""
        return self.email_verified_at is not None

    def require_active(self) -> None:
        """Raise `AccountDeactivated` if the account has been switched off."""
        if not self.is_active:
            raise AccountDeactivated


class UserSession(Base):
    """One sign-in and all the refresh tokens that come from it, the RFC's token family."""

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    @classmethod
    def begin(cls, user: User, *, lifetime: timedelta) -> "UserSession":
        """Start a session; raises `AccountDeactivated`. No refresh makes its life longer."""
        user.require_active()
        started = now()
        return cls(id=uuid4(), user_id=user.id, created_at=started, expires_at=started + lifetime)

    def require_live(self) -> None:
        """Raise `SessionEnded` if it was revoked or has lasted as long as it may."""
        if self.revoked_at is not None or self.expires_at <= now():
            raise SessionEnded

    def revoke(self) -> None:
        """End the session for good, and with it every refresh token it has."""
        self.revoked_at = self.revoked_at or now()


class RefreshToken(Base):
    """A refresh token, known only by its digest: whoever reads the table cannot use it."""

    __tablename__ = "refresh_tokens"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("sessions.id", ondelete="CASCADE"), index=True
    )
    issued_at: Mapped[datetime] = mapped_column(default=now)
    spent_at: Mapped[datetime | None]


class SigningKey(Base):
    """A key pair that tokens are signed with, known to the world by its public half."""

    __tablename__ = "signing_keys"

    kid: Mapped[str] = mapped_column(primary_key=True)
    encrypted_private_key: Mapped[bytes]
    public_jwk: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)
    retired_at: Mapped[datetime | None]
    """Since when it is no longer published."""
