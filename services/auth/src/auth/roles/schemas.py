"""What roles look like over the wire."""

from typing import Annotated

from contracts import Permission
from pydantic import BaseModel, ConfigDict, Field

from auth.wire import Input

RoleName = Annotated[str, Field(min_length=2, max_length=50, pattern=r"^[a-z][a-z0-9_-]*$")]
Description = Annotated[str, Field(max_length=200, pattern=r"^\P{Cc}*$")]
Permissions = Annotated[set[Permission], Field(max_length=100)]


class RoleOut(BaseModel):
    """A set of permissions with a name."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    description: str
    permissions: list[str]
    built_in: bool


class NewRole(Input):
    """A role that somebody wants."""

    name: RoleName
    description: Description = ""
    permissions: Permissions


class RoleUpdate(Input):
    """What changes about a role; what is left out stays."""

    description: Description | None = None
    permissions: Permissions | None = None


class PermissionOut(BaseModel):
    """One thing that one may do."""

    name: str
    description: str
