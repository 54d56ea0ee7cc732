"""Categories, suppliers and tags: each user has their own."""

from datetime import datetime
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from documents.base import Base, now


class Category(Base):
    """What kind of document it is, in the words of its owner."""

    __tablename__ = "categories"
    __table_args__ = (
        sa.Index("uq_categories_user_id_name", "user_id", sa.text("lower(name)"), unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[UUID]
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class Supplier(Base):
    """Whom documents come from."""

    __tablename__ = "suppliers"
    __table_args__ = (
        sa.Index("uq_suppliers_user_id_name", "user_id", sa.text("lower(name)"), unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[UUID]
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class Tag(Base):
    """A word that documents are marked with; a document holds the words themselves."""

    __tablename__ = "tags"
    __table_args__ = (
        sa.Index("uq_tags_user_id_name", "user_id", sa.text("lower(name)"), unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[UUID]
    name: Mapped[str]
    color: Mapped[str] = mapped_column(default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
