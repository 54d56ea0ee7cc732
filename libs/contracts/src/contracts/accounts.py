"""The events of accounts and sessions."""

from enum import StrEnum
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.base import Event


class Recipient(BaseModel):
    """Whom a mail about the event goes to, and in which language."""

    model_config = ConfigDict(frozen=True)

    email: str
    username: str
    language: Literal["de", "en"] = "en"


_SEALED = Field(
    description="The secret of a link, encrypted (Fernet) for the one who writes the mail: "
    "whoever else listens, or reads a queue on a disk, cannot follow the link."
)


class UserRegistered(Event):
    """Somebody has opened an account; the link in their mail will verify the address."""

    name: ClassVar[str] = "user.registered"

    user_id: UUID
    recipient: Recipient
    sealed_link: str = _SEALED


class UserEmailVerificationRequested(Event):
    """The mail with the link that verifies the address has not arrived, and is wanted again."""

    name: ClassVar[str] = "user.email_verification_requested"

    user_id: UUID
    recipient: Recipient
    sealed_link: str = _SEALED


class UserVerified(Event):
    """The owner of an account has shown that the address is theirs."""

    name: ClassVar[str] = "user.verified"

    user_id: UUID
    recipient: Recipient


class UserEmailChangeRequested(Event):
    """The owner wants another address, and shows by the link in their mail that it is theirs."""

    name: ClassVar[str] = "user.email_change_requested"

    user_id: UUID
    recipient: Recipient
    sealed_link: str = _SEALED


class UserPasswordResetRequested(Event):
    """Somebody who knows the address has asked for a new password."""

    name: ClassVar[str] = "user.password_reset_requested"

    user_id: UUID
    recipient: Recipient
    sealed_link: str = _SEALED


class UserPasswordChanged(Event):
    """The password is another one from now on; the owner should hear of it."""

    name: ClassVar[str] = "user.password_changed"

    user_id: UUID
    recipient: Recipient


class UserRolesChanged(Event):
    """An account has these roles from now on."""

    name: ClassVar[str] = "user.roles_changed"

    user_id: UUID
    recipient: Recipient
    roles: tuple[str, ...]


class UserDeleted(Event):
    """An account is gone, and everything that is its owner's has to follow."""

    name: ClassVar[str] = "user.deleted"

    user_id: UUID


class RevocationReason(StrEnum):
    """Why a session ended before its time."""

    LOGOUT = "logout"
    PASSWORD_CHANGED = "password_changed"
    TOKEN_REUSED = "token_reused"
    DEACTIVATED = "deactivated"
    DELETED = "deleted"


class SessionRevoked(Event):
    """A session has ended before its time."""

    name: ClassVar[str] = "session.revoked"

    user_id: UUID
    session_id: UUID
    recipient: Recipient
    reason: RevocationReason


class EmailLinkPurpose(StrEnum):
    """What a link in a mail is for."""

    VERIFY_EMAIL = "verify_email"
    CHANGE_EMAIL = "change_email"
    RESET_PASSWORD = "reset_password"


class EmailLinkRequested(Event):
    """Somebody has asked for a link to this address, whether or not there is such an account.

    Auth says it to itself: whether there is such an account is looked up where nobody can
    measure how long that takes.
    """

    name: ClassVar[str] = "email_link.requested"

    email: str
    purpose: EmailLinkPurpose
