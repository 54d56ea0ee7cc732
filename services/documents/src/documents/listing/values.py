"""What clients may write for a value, in a filter or in a parameter."""

import math
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, Strict
from pydantic_core import PydanticCustomError


def storable(text: str) -> str:
    """Refuse what PostgreSQL cannot keep, and so cannot be asked for: NUL, half a character."""
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise PydanticCustomError("string_unicode", "This text cannot be stored")
    return text


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value)  # type: ignore[arg-type]  # or else TypeError
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        message = "Input should be a date or a time in ISO 8601"
        raise PydanticCustomError("datetime_parsing", message) from error


def _scalar(value: object) -> object:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise PydanticCustomError("finite_number", "Input should be a finite number")
    if not isinstance(value, bool | int | float):
        raise PydanticCustomError("scalar_type", "Input should be a text, a number or a boolean")
    return value


def _number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("number_type", "Input should be a number")
    return _scalar(value)


def _several(value: object) -> object:
    return [value] if isinstance(value, str) else value


Text = Annotated[str, Strict(), AfterValidator(storable)]
Whole = Annotated[int, Strict(), Field(ge=-(2**63), lt=2**63)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
"""Without an offset it is in UTC, and without a time it is midnight."""
Id = UUID
Flag = Annotated[bool, Strict()]
Scalar = Annotated[Any, PlainValidator(_scalar)]
Number = Annotated[Any, PlainValidator(_number)]
Words = Annotated[list[Text], BeforeValidator(_several), Field(max_length=100)]
"""A set of words; a single one may stand for itself."""
StatusWord = Literal["pending", "processing", "completed", "partial", "failed", "cancelled"]
