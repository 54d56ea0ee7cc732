"""Exports over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from common.errors import Forbidden, Unauthorized, Unavailable, problems
from fastapi import APIRouter, Query, Request, Response

from documents.errors import DocumentNotFound, PreconditionFailed
from documents.exports.errors import NothingRead
from documents.exports.schemas import ExportFormat, TablesOut
from documents.exports.service import MEDIA_TYPES
from documents.resources import Exports, Reader, RequestConditions

router = APIRouter(
    prefix="/api/v1/documents", responses=problems(Unauthorized, Forbidden, Unavailable)
)

_FAILURES = problems(DocumentNotFound, NothingRead, PreconditionFailed)
_NOT_MODIFIED: dict[str, Any] = {"description": "You have it already."}
_FILE = {"schema": {"type": "string", "format": "binary"}}
_EXPORT: dict[str, Any] = {
    "tags": ["documents"],
    "response_class": Response,
    "responses": {
        200: {
            "description": "The pages that have been read; those that are missing are named.",
            "content": {media_type.partition(";")[0]: _FILE for media_type in MEDIA_TYPES},
        },
        304: _NOT_MODIFIED,
        **_FAILURES,
    },
}


@router.head("/{document_id}/export", include_in_schema=False)
@router.get("/{document_id}/export", **_EXPORT)
async def export(
    *,
    document_id: UUID,
    export_format: Annotated[ExportFormat, Query(alias="format")],
    request: Request,
    user: Reader,
    exports: Exports,
    conditions: RequestConditions,
) -> Response:
    """Save what has been read so far: as text, Markdown, JSON or hOCR, or its tables alone."""
    head = request.method == "HEAD"
    return await exports.export(user.id, document_id, export_format, conditions, head=head)


@router.head("/{document_id}/tables", include_in_schema=False)
@router.get(
    "/{document_id}/tables",
    tags=["documents"],
    response_model=TablesOut,
    responses={304: _NOT_MODIFIED, **_FAILURES},
)
async def list_tables(
    document_id: UUID,
    request: Request,
    user: Reader,
    exports: Exports,
    conditions: RequestConditions,
) -> Response:
    """List the tables on the pages that have been read so far."""
    head = request.method == "HEAD"
    return await exports.tables(user.id, document_id, conditions, head=head)
