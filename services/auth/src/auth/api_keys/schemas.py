"""What API keys look like over the wire."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from contracts import OWN, Permission
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from pydantic_core import PydanticCustomError

from auth.base import now
from auth.wire import Input, Moment, Name

MAX_OVERLAP_SECONDS = 7 * 24 * 3600


def _for_keys(scope: Permission) -> Permission:
    if scope not in OWN:
        raise PydanticCustomError("not_for_keys", "An API key cannot be given this permission")
    return scope


def _to_come(moment: datetime) -> datetime:
    if moment <= now():
        raise PydanticCustomError("datetime_future", "This is in the past")
    return moment


Scopes = Annotated[set[Annotated[Permission, AfterValidator(_for_keys)]], Field(min_length=1)]


class NewApiKey(Input):
    """A key that somebody wants."""

    name: Name
    scopes: Scopes
    expires_at: Annotated[Moment, AfterValidator(_to_come)] | None = Field(
        default=None, description="Without it the key works until it is revoked."
    )


class ApiKeyRotation(Input):
    """How the old key and the new one overlap."""

    overlap_seconds: int = Field(
        default=0, ge=0, le=MAX_OVERLAP_SECONDS, description="For how long the old key works on."
    )


class ApiKeyOut(BaseModel):
    """A key, without what makes it one."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class CreatedApiKey(ApiKeyOut):
    """A key as it is shown this once."""

    key: str


class KeyExchange(Input):
    """A key for which the gateway wants a token."""

    api_key: SecretStr = Field(min_length=1, max_length=256)


class ExchangedToken(BaseModel):
    """A short-lived token that speaks for a key."""

    access_token: str
    expires_in: int = Field(description="Seconds.")
