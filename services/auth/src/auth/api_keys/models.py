"""API keys, and the rules of their life."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from auth.base import Base, now
from auth.opaque import digest, new_secret

_PREFIX_CHARS = 12


class ApiKey(Base):
    """A key, known by its digest; `previous_digest` still works for a while after a rotation."""

    __tablename__ = "api_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    prefix: Mapped[str]
    """How the key begins, by which its owner can tell it from others."""
    digest: Mapped[bytes] = mapped_column(unique=True)
    previous_digest: Mapped[bytes | None] = mapped_column(unique=True)
    previous_expires_at: Mapped[datetime | None]
    scopes: Mapped[list[str]] = mapped_column(sa.ARRAY(sa.Text))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    def renew(self, *, overlap: timedelta = timedelta(0)) -> str:
        """Make a new key and return it; what it replaces works on for the overlap."""
        secret = f"quire_{new_secret()}"
        # Without an overlap no earlier key works on either: this is how one ends a leak.
        self.previous_digest = self.digest if overlap else None
        self.previous_expires_at = now() + overlap if overlap else None
        self.prefix, self.digest = secret[:_PREFIX_CHARS], digest(secret)
        return secret

    def accepts(self, secret: bytes) -> bool:
        """Tell whether the key of this digest may be used now."""
        if self.revoked_at is not None or (
            self.expires_at is not None and self.expires_at <= now()
        ):
            return False
        until = self.previous_expires_at
        return secret == self.digest or (
            secret == self.previous_digest and until is not None and until > now()
        )
