"""The links' table."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from auth.base import Base, now


class EmailLink(Base):
    """A link that was mailed to an address; whoever follows it has read the mail."""

    __tablename__ = "email_links"
    __table_args__ = (sa.Index("ix_email_links_user_id_purpose", "user_id", "purpose"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    purpose: Mapped[str]
    email: Mapped[str]
    issued_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
