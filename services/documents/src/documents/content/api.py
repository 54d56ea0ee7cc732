"""Files over HTTP."""

from typing import Any
from uuid import UUID

from common.errors import Forbidden, Unauthorized, Unavailable, problems
from fastapi import APIRouter, Response

from documents.content.errors import RangeNotSatisfiable, RedirectUnavailable
from documents.disposition import attachment, inline
from documents.errors import DocumentNotFound, PreconditionFailed
from documents.resources import Content, FileWish, Reader

router = APIRouter(
    prefix="/api/v1/documents", responses=problems(Unauthorized, Forbidden, Unavailable)
)

_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_FILE: dict[str, Any] = {
    "tags": ["documents"],
    "response_class": Response,
    "responses": {
        200: {"description": "The file.", "content": _BYTES},
        206: {"description": "The ranges that were asked for, ten at most.", "content": _BYTES},
        304: {"description": "You have it already."},
        307: {"description": "Where the file can be fetched, for a minute."},
        **problems(DocumentNotFound, RedirectUnavailable, PreconditionFailed, RangeNotSatisfiable),
    },
}


@router.head("/{document_id}/download", include_in_schema=False)
@router.get("/{document_id}/download", **_FILE)
async def download(document_id: UUID, user: Reader, content: Content, wish: FileWish) -> Response:
    """Save the original file, byte for byte."""
    return await content.answer(user.id, document_id, wish, attachment)


@router.head("/{document_id}/preview", include_in_schema=False)
@router.get("/{document_id}/preview", **_FILE)
async def preview(document_id: UUID, user: Reader, content: Content, wish: FileWish) -> Response:
    """Show the original file in a browser, where it can do nothing but be shown."""
    return await content.answer(user.id, document_id, wish, inline)


@router.head("/{document_id}/stream", include_in_schema=False)
@router.get("/{document_id}/stream", **_FILE)
async def stream(document_id: UUID, user: Reader, content: Content, wish: FileWish) -> Response:
    """Read the original file piece by piece, as viewers do: ask for ranges."""
    return await content.answer(user.id, document_id, wish, inline)
