"""What accounts look like over the wire."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from auth.roles.repository import Rights
from auth.roles.schemas import RoleName
from auth.users.models import Language, User
from auth.users.repository import UserFilter
from auth.wire import Input, Name, Username

Part = Annotated[
    str | None,
    Query(max_length=320, pattern=r"^\P{Cc}*$", description="A part of it, in any case."),
]


class UserOut(BaseModel):
    """An account."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    email: str
    username: str
    first_name: str | None
    last_name: str | None
    language: Language
    is_active: bool
    email_verified: bool
    roles: list[str] = Field(default_factory=list)
    created_at: datetime

    @classmethod
    def of(cls, user: User, rights: Rights) -> Self:
        """Show an account together with the roles of its owner."""
        return cls.model_validate(user).model_copy(update={"roles": list(rights.roles)})


class UserUpdate(Input):
    """What an administrator changes about an account; what is left out stays."""

    username: Username | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    language: Language | None = None


def _filter(
    email: Part = None,
    name: Part = None,
    role: RoleName | None = None,
    active: bool | None = None,
) -> UserFilter:
    return UserFilter(email=email, username=name, role=role, is_active=active)


UserQuery = Annotated[UserFilter, Depends(_filter)]
