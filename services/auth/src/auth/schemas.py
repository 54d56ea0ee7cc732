"""What goes over the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    EmailStr,
    Field,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

Password = Annotated[
    SecretStr,
    # The policy counts to 256 after normalising; typed, the same password may be longer.
    Field(min_length=1, max_length=1024),
]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^\P{Cc}*$"),
]


class Input(BaseModel):
    """A request body: unknown fields are refused, and no error repeats what was sent."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Registration(Input):
    """Somebody wants an account."""

    email: EmailStr
    username: str = Field(
        min_length=3,
        max_length=50,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="ASCII letters, digits, `.`, `_` and `-`; case is kept, and does not count.",
        examples=["ada"],
    )
    password: Password
    password_confirm: Password
    first_name: Name | None = None
    last_name: Name | None = None

    @field_validator("password_confirm")
    @classmethod
    def _is_the_password(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if info.data.get("password", value) != value:
            raise PydanticCustomError("passwords_differ", "The two passwords are not the same")
        return value


class Credentials(Input):
    """A name and a password."""

    username: str = Field(
        min_length=1,
        max_length=320,
        pattern=r"^\P{Cc}*$",
        description="The username or the e-mail address.",
    )
    password: Password


class PasswordGrant(Credentials):
    """The same as an OAuth2 form (RFC 6749, section 4.3.2)."""

    grant_type: Literal["password"] = "password"
    scope: str = ""
    client_id: str | None = None
    client_secret: SecretStr | None = None


class RefreshRequest(Input):
    """A refresh token, to be exchanged."""

    refresh_token: SecretStr = Field(min_length=1, max_length=512)


class UserOut(BaseModel):
    """An account as its owner sees it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    email: str
    username: str
    first_name: str | None
    last_name: str | None
    is_active: bool
    email_verified: bool
    created_at: datetime


class TokenPair(BaseModel):
    """An access token, and the refresh token that brings the next one."""

    model_config = ConfigDict(from_attributes=True)

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"
    expires_in: int = Field(description="Seconds until the access token runs out.")


class SignedIn(TokenPair):
    """The tokens of a new session, and whose they are."""

    user: UserOut


class Ticket(BaseModel):
    """A ticket that opens one stream."""

    ticket: str
    expires_in: int = Field(description="Seconds.")


class JsonWebKey(BaseModel):
    """A public key (RFC 7517)."""

    kty: str
    crv: str
    x: str
    y: str
    kid: str
    alg: str
    use: str


class JsonWebKeySet(BaseModel):
    """The keys that tokens are verified with."""

    keys: list[JsonWebKey]
