"""The signing keys' table, and the rules of a key's life."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from common.denylist import MAX_TOKEN_SECONDS
from sqlalchemy.orm import Mapped, mapped_column

from auth.base import Base, now


class SigningKey(Base):
    """A key pair that tokens are signed with, known to the world by its public half."""

    __tablename__ = "signing_keys"

    kid: Mapped[str] = mapped_column(primary_key=True)
    encrypted_private_key: Mapped[bytes]
    public_jwk: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)
    active_from: Mapped[datetime] = mapped_column(default=now)
    """It is published before it signs, so that nobody meets a token whose key is not out yet."""
    retired_at: Mapped[datetime | None]
    """Since when it is no longer published."""

    def retire(self) -> None:
        """Publish it no more, and forget the private half."""
        self.retired_at = self.retired_at or now()
        self.encrypted_private_key = b""


def signing(keys: Sequence[SigningKey]) -> SigningKey:
    """Return the key that signs now: of those that may, the one that may since last."""
    active = [key for key in keys if key.active_from <= now()]
    return max(active or keys, key=lambda key: (key.active_from, key.kid))


def outlived(keys: Sequence[SigningKey]) -> Sequence[SigningKey]:
    """Return the keys with which no living token can have been signed any more."""
    successor = signing(keys)
    if now() < successor.active_from + timedelta(seconds=MAX_TOKEN_SECONDS):
        return []
    return [key for key in keys if key.active_from < successor.active_from]
