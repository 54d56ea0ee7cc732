"""What goes over the wire about sessions."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from auth.users.schemas import UserOut
from auth.wire import Input, Password

Login = Annotated[
    str,
    Field(
        min_length=1,
        max_length=320,
        pattern=r"^\P{Cc}*$",
        description="The username or the e-mail address.",
    ),
]
RefreshSecret = Annotated[SecretStr, Field(min_length=1, max_length=512)]


class Credentials(Input):
    """A name and a password."""

    username: Login
    password: Password


class PasswordGrant(Credentials):
    """The same as an OAuth2 form (RFC 6749, section 4.3.2)."""

    grant_type: Literal["password"] = "password"
    scope: str = ""
    client_id: str | None = None
    client_secret: SecretStr | None = None


class RefreshGrant(Input):
    """A refresh token as an OAuth2 form (RFC 6749, section 6)."""

    grant_type: Literal["refresh_token"]
    refresh_token: RefreshSecret
    scope: str = ""
    client_id: str | None = None
    client_secret: SecretStr | None = None


class RefreshRequest(Input):
    """A refresh token, to be exchanged."""

    refresh_token: RefreshSecret


class MfaVerification(Input):
    """The second step of a login."""

    mfa_token: SecretStr = Field(min_length=1, max_length=4096)
    code: str = Field(
        min_length=6,
        max_length=30,
        pattern=r"^[0-9A-Za-z \-]+$",
        description="A code of the authenticator, or a recovery code.",
    )


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


class CookieSession(BaseModel):
    """A session whose tokens are in cookies that no script can read."""

    csrf_token: str = Field(
        description="To be sent as X-CSRF-Token with every request that is not GET, HEAD or "
        "OPTIONS. The cookie `__Host-quire_csrf` holds it too."
    )
    expires_in: int = Field(description="Seconds until `POST /auth/refresh` is due.")
    user: UserOut


class SessionOut(BaseModel):
    """A place where one is signed in."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str
    user_agent: str
    current: bool = Field(default=False, description="Whether it is the one that asks.")


class Ticket(BaseModel):
    """A ticket that opens one stream."""

    ticket: str
    expires_in: int = Field(description="Seconds.")
