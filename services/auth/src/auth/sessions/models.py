"""Sessions and refresh tokens, and the rules of their life."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from auth.base import Base, now
from auth.device import Device
from auth.sessions.errors import SessionEnded
from auth.users.models import User


class UserSession(Base):
    """One sign-in and all the refresh tokens that come from it, the RFC's token family."""

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    idle_until: Mapped[datetime]
    """When it ends unless it is renewed before."""
    revoked_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(default="", server_default="")
    user_agent: Mapped[str] = mapped_column(default="", server_default="")
    uses_cookies: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    """Its tokens live in a browser's cookies, and are believed only with a CSRF token."""

    @classmethod
    def begin(
        cls,
        user: User,
        device: Device,
        *,
        lifetime: timedelta,
        idle: timedelta,
        uses_cookies: bool = False,
    ) -> "UserSession":
        """Start a session; raises `AccountDeactivated`. No refresh makes its life longer."""
        user.require_active()
        started = now()
        user.last_login_at = started
        return cls(
            id=uuid4(),
            user_id=user.id,
            created_at=started,
            last_seen_at=started,
            expires_at=started + lifetime,
            idle_until=started + idle,
            address=device.address,
            user_agent=device.user_agent,
            uses_cookies=uses_cookies,
        )

    @property
    def is_live(self) -> bool:
        """Whether it was neither revoked, nor has lasted or slept for as long as it may."""
        return self.revoked_at is None and min(self.expires_at, self.idle_until) > now()

    def renew(self, device: Device, *, idle: timedelta) -> None:
        """Note that it is in use; raises `SessionEnded` if it is not live."""
        if not self.is_live:
            raise SessionEnded
        self.last_seen_at = now()
        self.idle_until = self.last_seen_at + idle
        self.address, self.user_agent = device.address, device.user_agent

    def revoke(self) -> bool:
        """End the session for good, and its refresh tokens with it; tell whether it was live."""
        was_live = self.is_live
        self.revoked_at = self.revoked_at or now()
        return was_live


class RefreshToken(Base):
    """A refresh token, known only by its digest: whoever reads the table cannot use it."""

    __tablename__ = "refresh_tokens"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("sessions.id", ondelete="CASCADE"), index=True
    )
    issued_at: Mapped[datetime] = mapped_column(default=now)
    spent_at: Mapped[datetime | None]
