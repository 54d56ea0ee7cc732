"""What a user may say about a document: each field and its limits, wherever it comes in."""

import json
import math
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints
from pydantic_core import PydanticCustomError

MAX_TAGS = 50
_MAX_METADATA_BYTES = 64 << 10
_MAX_METADATA_DEPTH = 10
_NO_NUL = r"^[^\x00]*$"  # PostgreSQL cannot keep it
_NO_CONTROLS = r"^\P{Cc}*$"

Word = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=_NO_CONTROLS),
]
"""A short name: a tag, a type."""


def _once_each(tags: list[str]) -> list[str]:
    """Keep the first spelling of each tag."""
    kept: dict[str, str] = {}
    for tag in tags:
        kept.setdefault(tag.lower(), tag)
    return list(kept.values())


Title = Annotated[str, Field(min_length=1, max_length=500, pattern=_NO_NUL)]
Description = Annotated[str, Field(max_length=10_000, pattern=_NO_NUL)]
DocumentType = Word
Tags = Annotated[list[Word], Field(max_length=MAX_TAGS), AfterValidator(_once_each)]
Language = Annotated[
    str,
    Field(
        pattern=r"^(auto|[a-z]{2,3}(\+[a-z]{2,3})*)$",
        max_length=100,
        description="ISO 639 codes, joined by `+`: `en`, `de+fr`; or `auto`.",
        examples=["de"],
    ),
]

Backend = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,49}$",
        description="One of `GET /ocr/backends`.",
        examples=["tesseract"],
    ),
]

Password = Annotated[
    SecretStr,
    Field(
        max_length=1000,
        description="What opens an encrypted PDF; kept with the document, encrypted.",
    ),
]


def _storable(metadata: dict[str, Any]) -> dict[str, Any]:
    """Refuse what is too much, or what PostgreSQL cannot keep: it would be our failure then."""
    for depth, value in _walk(metadata, 1):
        if depth > _MAX_METADATA_DEPTH:
            limit = {"depth": _MAX_METADATA_DEPTH}
            raise PydanticCustomError("too_deep", "At most {depth} levels are kept", limit)
        if isinstance(value, float) and not math.isfinite(value):
            raise PydanticCustomError("finite_number", "NaN and Infinity are no JSON")
        if isinstance(value, str) and not _is_text(value):
            raise PydanticCustomError("string_unicode", "U+0000 and half characters are not kept")
    if len(json.dumps(metadata, ensure_ascii=False).encode()) > _MAX_METADATA_BYTES:
        limit = {"bytes": _MAX_METADATA_BYTES}
        raise PydanticCustomError("too_long", "At most {bytes} bytes are kept", limit)
    return metadata


def _walk(value: object, depth: int) -> Iterator[tuple[int, object]]:
    """Yield every value, the keys of objects included, with how deep its container is nested."""
    todo = [(depth, value)]
    while todo:
        depth, value = todo.pop()
        if isinstance(value, dict | list):
            yield depth, value
            inside = [*value, *value.values()] if isinstance(value, dict) else value
            todo += ((depth + isinstance(each, dict | list), each) for each in inside)
        else:
            yield depth, value


def _is_text(value: str) -> bool:
    return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)


Metadata = Annotated[
    dict[str, Any],
    AfterValidator(_storable),
    Field(description="Any JSON object: 64 KiB and 10 levels at most."),
]


class Input(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")
