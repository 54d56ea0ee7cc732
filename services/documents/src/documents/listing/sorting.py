"""The order of a list: field names, separated by commas, each with a `-` for the other way."""

from typing import Any

import sqlalchemy as sa

from documents.listing.errors import invalid_query
from documents.listing.fields import page_count, shown_status
from documents.models import Document

Order = list[sa.ColumnElement[Any]]

_BY: dict[str, sa.ColumnElement[Any]] = {
    "created_at": Document.created_at.expression,
    "updated_at": Document.updated_at.expression,
    "title": sa.func.lower(Document.title),
    "file_size": Document.file_size.expression,
    "page_count": page_count,
    "filename": sa.func.lower(Document.filename),
    "status": shown_status,
    "document_type": Document.document_type.expression,
}
# Only these: an order with NULLS LAST could not read the index on created_at backwards.
_MAY_BE_UNKNOWN = frozenset({"page_count", "document_type"})


def parse_sort(text: str) -> Order:
    """Return the order, complete: documents that are alike are told apart by their id."""
    words = text.split(",")
    names = [word.removeprefix("-") for word in words]
    if not _BY.keys() >= set(names):
        raise invalid_query(("sort",), f"Fields are {', '.join(_BY)}", "unknown_field")
    if len(set(names)) < len(names):
        raise invalid_query(("sort",), "A field stands twice", "repeated_field")
    by_id = Document.id.desc() if words[-1].startswith("-") else Document.id.asc()
    return [*map(_one_way, words), by_id]


def _one_way(word: str) -> sa.ColumnElement[Any]:
    name = word.removeprefix("-")
    value = _BY[name].asc() if word == name else _BY[name].desc()
    return value.nulls_last() if name in _MAY_BE_UNKNOWN else value
