"""What has been revoked, until every token that it concerns has run out."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from common.denylist import Denial
from sqlalchemy.orm import Mapped, mapped_column

from auth.base import Base, now


class Revocation(Base):
    """A denial that is announced after the transaction, and again should Redis lose its data."""

    __tablename__ = "revocations"
    __table_args__ = (
        sa.Index(
            "ix_revocations_unannounced",
            "id",
            postgresql_where=sa.text("announced_at IS NULL"),
        ),
        sa.Index("ix_revocations_at", "at"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    user_id: Mapped[UUID]
    session_id: Mapped[UUID | None]
    version: Mapped[int | None]
    at: Mapped[datetime] = mapped_column(default=now)
    announced_at: Mapped[datetime | None]

    @property
    def denial(self) -> Denial:
        """The same as those who check tokens know it."""
        return Denial(self.user_id, self.session_id, self.version)
