"""A document as it is shown on its own, and the ETag of exactly that."""

import hashlib
from dataclasses import dataclass

from fastapi import Response

from documents.conditions import NO_CONDITIONS, Conditions
from documents.etags import EntityTag
from documents.models import Document
from documents.schemas import DocumentOut

_PRIVATE = "private, no-cache"


@dataclass(frozen=True)
class Representation:
    """The bytes that show a document; the tag is theirs, so it changes with all that they tell.

    A number that everybody has to raise would miss what happens elsewhere: a page that is read,
    a category that is deleted.
    """

    body: bytes
    etag: EntityTag

    @classmethod
    def of(cls, document: Document) -> "Representation":
        """Return how a document looks at this moment."""
        body = DocumentOut.model_validate(document).model_dump_json().encode()
        return cls(body, EntityTag(hashlib.sha256(body).hexdigest()))


def show(document: Document, conditions: Conditions = NO_CONDITIONS) -> Response:
    """Answer with a document, unless the client has it already."""
    shown = Representation.of(document)
    headers = {"ETag": str(shown.etag), "Cache-Control": _PRIVATE}
    conditions.check(shown.etag)
    if conditions.is_known(shown.etag):
        return Response(status_code=304, headers=headers)
    return Response(shown.body, media_type="application/json", headers=headers)
