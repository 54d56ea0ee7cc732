"""What documents can be found and sorted by, under the names that clients know."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from documents.jobs.models import Job, Status
from documents.listing.operators import ID, JSON, MOMENT, STATUS, TEXT, WHOLE, WORDS, Kind
from documents.models import Document

_METADATA = "metadata."


@dataclass(frozen=True)
class Field:
    """A value that every document has, and what kind it is of."""

    value: sa.ColumnElement[Any]
    kind: Kind


shown_status = sa.case((Job.status == Status.QUEUED, "pending"), else_=sa.cast(Job.status, sa.Text))
"""`Document.status`, for the database."""
# As wide as the numbers that clients may write, or the driver would refuse some of them.
page_count = sa.type_coerce(Job.pages_total, sa.BigInteger)
tags = sa.type_coerce(Document.tags, ARRAY(sa.Text))

FIELDS = {
    "id": Field(Document.id.expression, ID),
    "title": Field(Document.title.expression, TEXT),
    "description": Field(Document.description.expression, TEXT),
    "document_type": Field(Document.document_type.expression, TEXT),
    "category_id": Field(Document.category_id.expression, ID),
    "supplier_id": Field(Document.supplier_id.expression, ID),
    "tags": Field(tags, WORDS),
    "status": Field(shown_status, STATUS),
    "filename": Field(Document.filename.expression, TEXT),
    "file_size": Field(Document.file_size.expression, WHOLE),
    "mime_type": Field(Document.mime_type.expression, TEXT),
    "page_count": Field(page_count, WHOLE),
    "file_hash": Field(Document.file_hash.expression, TEXT),
    "language": Field(Document.language.expression, TEXT),
    "created_at": Field(Document.created_at.expression, MOMENT),
    "updated_at": Field(Document.updated_at.expression, MOMENT),
    "deleted_at": Field(Document.deleted_at.expression, MOMENT),
}


def find(name: str) -> Field | None:
    """Return what a name stands for; `metadata.a.b` is the user's own, of whatever type it is."""
    if not name.startswith(_METADATA):
        return FIELDS.get(name)
    path = name.removeprefix(_METADATA).split(".")
    if not all(path):
        return None
    return Field(sa.func.jsonb_extract_path(Document.custom, *path, type_=JSONB), JSON)
