"""Roles and who holds them."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from auth.base import Base, now
from auth.roles.errors import RoleBuiltIn

ADMIN = "admin"
USER = "user"
"""The role that every new account gets."""


class Role(Base):
    """A set of permissions with a name."""

    __tablename__ = "roles"

    name: Mapped[str] = mapped_column(primary_key=True)
    description: Mapped[str] = mapped_column(default="")
    permissions: Mapped[list[str]] = mapped_column(sa.ARRAY(sa.Text))
    built_in: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now, server_default=sa.func.now())

    def require_custom(self) -> None:
        """Raise `RoleBuiltIn` if the suite relies on the role."""
        if self.built_in:
            raise RoleBuiltIn


class UserRole(Base):
    """Somebody holds a role."""

    __tablename__ = "user_roles"

    user_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[str] = mapped_column(
        sa.ForeignKey("roles.name", ondelete="CASCADE"), primary_key=True, index=True
    )
