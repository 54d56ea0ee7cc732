"""The accounts, and the rules of their life."""

from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

import sqlalchemy as sa
from contracts import Recipient
from sqlalchemy.orm import Mapped, mapped_column

from auth.base import Base, now
from auth.users.errors import AccountDeactivated

UNIQUE_EMAIL = "uq_users_email"
UNIQUE_USERNAME = "uq_users_username"

Language = Literal["de", "en"]


class User(Base):
    """An account."""

    __tablename__ = "users"
    __table_args__ = (
        # That a name is taken is decided by these indexes and not by a look-up, so that two
        # registrations at the same moment cannot both pass.
        sa.Index(UNIQUE_EMAIL, sa.text("lower(email)"), unique=True),
        sa.Index(UNIQUE_USERNAME, sa.text("lower(username)"), unique=True),
        sa.Index("ix_users_created_at_id", "created_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    email: Mapped[str]
    username: Mapped[str]
    password_hash: Mapped[str]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    language: Mapped[str] = mapped_column(sa.Text, default="en", server_default="en")
    is_active: Mapped[bool] = mapped_column(default=True)
    email_verified_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_login_at: Mapped[datetime | None]
    rights_version: Mapped[int] = mapped_column(default=1, server_default="1")
    """Grows when the rights shrink; tokens that carry an older one are refused."""

    @property
    def email_verified(self) -> bool:
        """Whether the owner has shown that the address is theirs."""
        return self.email_verified_at is not None

    @property
    def recipient(self) -> Recipient:
        """How the owner is written to."""
        language: Language = "de" if self.language == "de" else "en"
        return Recipient(email=self.email, username=self.username, language=language)

    def require_active(self) -> None:
        """Raise `AccountDeactivated` if the account has been switched off."""
        if not self.is_active:
            raise AccountDeactivated

    def verify_email(self, email: str) -> bool:
        """Note that an address is the owner's, and make it the account's; tell whether it is news.

        Whoever has read the mail that went there owns the address.
        """
        news = not self.email_verified or self.email.lower() != email.lower()
        self.email = email
        self.email_verified_at = self.email_verified_at if not news else now()
        return news
