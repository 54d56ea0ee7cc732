"""What goes over the wire about one's own account."""

from typing import Annotated

from pydantic import AfterValidator, EmailStr, Field, SecretStr

from auth.users.models import Language
from auth.wire import Confirmation, ConfirmationCode, Input, Name, Password, Username, same_password

Repeated = Annotated[Password, AfterValidator(same_password)]
LinkSecret = Annotated[
    SecretStr, Field(min_length=1, max_length=200, description="What the mailed link ends with.")
]


class Registration(Input):
    """Somebody wants an account."""

    email: EmailStr
    username: Username
    password: Password
    password_confirm: Repeated
    first_name: Name | None = None
    last_name: Name | None = None
    language: Language | None = Field(
        default=None, description="Of the mails; by default what Accept-Language prefers."
    )


class ProfileUpdate(Input):
    """What one changes about oneself; what is left out stays."""

    username: Username | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    language: Language | None = None


class EmailChange(Confirmation):
    """Another address, which counts once the link that goes there has been followed."""

    email: EmailStr


class AccountDeletion(Confirmation):
    """The password again: this cannot be undone."""


class PasswordChange(Input):
    """A new password for the old one."""

    current_password: Password
    code: ConfirmationCode = None
    password: Password
    password_confirm: Repeated


class EmailAddress(Input):
    """An address to which a link is wanted."""

    email: EmailStr


class PasswordReset(Input):
    """A new password for a mailed link."""

    token: LinkSecret
    password: Password
    password_confirm: Repeated


class EmailVerification(Input):
    """A mailed link."""

    token: LinkSecret
