"""What the bodies of all requests have in common."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Response
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError


def _whole(value: SecretStr) -> SecretStr:
    """Refuse half of a character, a surrogate: JSON can hold one, and nothing can hash it."""
    try:
        value.get_secret_value().encode()
    except UnicodeEncodeError:  # which is no cause to keep: it holds the password
        raise PydanticCustomError("string_unicode", "This is not valid Unicode") from None
    return value


Password = Annotated[
    SecretStr,
    # The policy counts to 256 after normalising; typed, the same password may be longer.
    Field(min_length=1, max_length=1024),
    AfterValidator(_whole),
]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^\P{Cc}*$"),
]
Username = Annotated[
    str,
    Field(
        min_length=3,
        max_length=50,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="ASCII letters, digits, `.`, `_` and `-`; case is kept, and does not count.",
        examples=["ada"],
    ),
]


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:  # before the year 1 or after 9999, there
        raise PydanticCustomError("out_of_range", "This is no moment of our calendar") from error


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class Input(BaseModel):
    """A request body: unknown fields are refused, and no error repeats what was sent."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


ConfirmationCode = Annotated[
    str | None,
    Field(
        min_length=6,
        max_length=30,
        pattern=r"^[0-9A-Za-z \-]+$",
        description="Of the authenticator, or a recovery code; needed if there is a second factor.",
    ),
]


class Confirmation(Input):
    """The password again, and a code: whoever finds an open screen must not take the account."""

    password: Password
    code: ConfirmationCode = None


def same_password(value: SecretStr, info: ValidationInfo) -> SecretStr:
    """Compare with the field `password`, as the validator of its repetition."""
    if info.data.get("password", value) != value:
        raise PydanticCustomError("passwords_differ", "The two passwords are not the same")
    return value


async def no_store(response: Response) -> None:
    """Keep tokens out of every cache (RFC 6749, section 5.1)."""
    response.headers["Cache-Control"] = "no-store"
