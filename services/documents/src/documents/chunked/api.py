"""Files in chunks over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from common.errors import Forbidden, Unauthorized, Unavailable, problems
from common.idempotency import KEY_REFUSALS, IdempotentRoute, idempotent
from fastapi import APIRouter, Depends, Path, Response

from documents.chunked.errors import ChunkOutOfRange, ChunksFrozen, ChunksMissing, WrongChunkSize
from documents.chunked.schemas import ChunkedFile, ChunkedStateOut, ChunkedUploadOut, ChunkOut
from documents.chunked.service import layout_of
from documents.resources import Chunk, ChunkedUploads, Writer
from documents.schemas import DocumentOut
from documents.uploads.errors import (
    AccountClosed,
    DuplicateDocument,
    FileTooLarge,
    QuotaExceeded,
    UnsupportedType,
    UploadBusy,
    UploadEnded,
    UploadExpired,
    UploadNotFound,
)
from documents.uploads.models import UploadStatus

router = APIRouter(
    prefix="/api/v1/documents/upload/chunked",
    tags=["documents"],
    responses=problems(Unauthorized, Forbidden, AccountClosed, Unavailable),
    route_class=IdempotentRoute,
)

_GONE = (UploadNotFound, UploadExpired)
_CHUNK_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "contentMediaType": "application/octet-stream"}
                    },
                }
            },
        },
    }
}


@router.post(
    "/init",
    status_code=201,
    dependencies=[Depends(idempotent)],
    responses=problems(FileTooLarge, QuotaExceeded, *KEY_REFUSALS),
)
async def begin_chunked_upload(
    file: ChunkedFile, user: Writer, uploads: ChunkedUploads
) -> ChunkedUploadOut:
    """Announce a file that comes in chunks; its room is kept until it has come or expires."""
    upload = await uploads.begin(user.id, file)
    layout = layout_of(upload)
    return ChunkedUploadOut(
        upload_id=upload.id,
        chunk_size=layout.chunk_size,
        total_chunks=layout.total,
        expires_at=upload.expires_at,
    )


@router.post("/{upload_id}/chunk/{number}", include_in_schema=False)
@router.put(
    "/{upload_id}/chunk/{number}",
    openapi_extra=_CHUNK_BODY,
    responses=problems(
        *(WrongChunkSize, *_GONE, DuplicateDocument, ChunksFrozen, UploadEnded),
        ChunkOutOfRange,
    ),
)
async def put_chunk(
    upload_id: UUID,
    number: Annotated[int, Path(ge=1, le=1_000_000)],
    user: Writer,
    body: Chunk,
    uploads: ChunkedUploads,
) -> ChunkOut:
    """Send a chunk: in any order, some at once, and again if it must be; `POST` does the same."""
    size = await uploads.put(user.id, upload_id, number, body)
    return ChunkOut(upload_id=upload_id, number=number, size=size)


@router.get("/{upload_id}", responses=problems(*_GONE))
async def get_chunked_upload(
    upload_id: UUID, user: Writer, uploads: ChunkedUploads
) -> ChunkedStateOut:
    """Show how far an upload is, and what is missing."""
    progress = await uploads.progress(user.id, upload_id)
    upload = progress.upload
    completed = upload.status is UploadStatus.COMPLETED
    return ChunkedStateOut(
        upload_id=upload.id,
        chunk_size=progress.layout.chunk_size,
        total_chunks=progress.layout.total,
        expires_at=upload.expires_at,
        status=upload.status,
        filename=upload.filename,
        file_size=upload.length,
        received_chunks=progress.received,
        missing=list(progress.missing),
        document_id=upload.id if completed else None,
    )


@router.post(
    "/{upload_id}/complete",
    status_code=201,
    responses=problems(
        *(*_GONE, ChunksMissing, DuplicateDocument, UploadBusy), QuotaExceeded, UnsupportedType
    ),
)
async def complete_chunked_upload(
    upload_id: UUID, user: Writer, uploads: ChunkedUploads, response: Response
) -> DocumentOut:
    """Make a document of the chunks and queue it for reading; asked again, it is the same one."""
    document = await uploads.complete(user.id, upload_id)
    response.headers["Location"] = f"/api/v1/documents/{document.id}"
    return DocumentOut.model_validate(document)


@router.delete("/{upload_id}", status_code=204, responses=problems(*_GONE, UploadBusy, UploadEnded))
async def give_up_chunked_upload(upload_id: UUID, user: Writer, uploads: ChunkedUploads) -> None:
    """Give an upload up; what was sent is removed."""
    await uploads.give_up(user.id, upload_id)
