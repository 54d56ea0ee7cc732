"""Resumable uploads over HTTP: tus 1.0.0, for any of its clients.

Authorisation looks at the token and at the path, and the method is what `X-HTTP-Method-Override`
makes of it (`TusHeaders`) before anything here is asked.
"""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from common.errors import Forbidden, Unauthorized, Unavailable, problems
from fastapi import APIRouter, Depends, Response

from documents.errors import UnknownReference
from documents.resources import Process, Tus, Writer
from documents.tus.errors import (
    ChecksumMismatch,
    MalformedHeader,
    OffsetMismatch,
    OffsetStreamExpected,
    UnsupportedChecksum,
    UnsupportedExtension,
    UnsupportedVersion,
    UploadLocked,
    UploadLost,
    UploadStalled,
    UploadTakenOver,
    UploadTooLong,
)
from documents.tus.middleware import PATH
from documents.tus.protocol import (
    OFFSET_STREAM,
    Creation,
    Piece,
    check_version,
    offer,
    standing,
    upload_id,
    whole_standing,
)
from documents.uploads.errors import (
    AccountClosed,
    DuplicateDocument,
    EmptyFile,
    FileTooLarge,
    QuotaExceeded,
    UnsupportedType,
    UploadExpired,
    UploadNotFound,
)

router = APIRouter(
    prefix=PATH,
    tags=["uploads"],
    dependencies=[Depends(check_version)],
    responses=problems(Unauthorized, Forbidden, AccountClosed, UnsupportedVersion, Unavailable),
)

UploadId = Annotated[UUID, Depends(upload_id)]
NewUpload = Annotated[Creation, Depends(Creation.of)]
NextPiece = Annotated[Piece, Depends(Piece.of)]

_KNOWN = (UploadNotFound, UploadExpired, UploadLost, UploadLocked)
_APPENDING = (
    *(UnsupportedChecksum, ChecksumMismatch, DuplicateDocument, UploadTooLong),
    *(OffsetStreamExpected, UnsupportedType),
)


def _header(name: str, schema: Mapping[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "schema": dict(schema)}


_VERSION = _header("Tus-Resumable", {"const": "1.0.0"}, required=True)
_BYTES = {"type": "integer", "minimum": 0}
_CHECKSUM = _header(
    "Upload-Checksum", {"type": "string", "examples": ["sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00="]}
)
_METADATA = _header(
    "Upload-Metadata",
    {
        "type": "string",
        "description": "Keys with values in base64: `filename`, `title`, `description`, "
        "`document_type`, `category_id`, `tags` (separated by commas), `language`.",
        "examples": ["filename c2Nhbi5wZGY=,language ZGU="],
    },
)
_PATH_ID = {
    "name": "upload_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
}
_BODY: dict[str, Any] = {
    "content": {OFFSET_STREAM: {"schema": {"contentMediaType": "application/octet-stream"}}}
}


@router.options("", status_code=204, include_in_schema=False)
@router.options("/{upload_id}", status_code=204, include_in_schema=False)
async def discover(process: Process, response: Response) -> None:
    """Tell what is offered: to anybody, and whatever the version."""
    response.headers.update(offer(process.limits.max_resumable_bytes))


@router.post(
    "",
    status_code=201,
    responses=problems(
        *(MalformedHeader, UnsupportedExtension, EmptyFile, FileTooLarge, QuotaExceeded),
        *(UnknownReference, *_APPENDING),
    ),
    openapi_extra={
        "parameters": [
            _VERSION,
            _header("Upload-Length", {**_BYTES, "minimum": 1}, required=True),
            *(_METADATA, _CHECKSUM),
        ],
        "requestBody": _BODY,
    },
)
async def create_upload(user: Writer, new: NewUpload, tus: Tus, response: Response) -> None:
    """Begin an upload that can be resumed (tus 1.0.0), and send its first bytes if you like."""
    upload = await tus.create(user.id, new)
    response.headers.update({"Location": f"{PATH}/{upload.id}", **standing(upload)})


@router.head(
    "/{upload_id}",
    responses=problems(*_KNOWN),
    openapi_extra={"parameters": [_PATH_ID, _VERSION]},
)
async def find_upload(user: Writer, upload: UploadId, tus: Tus) -> Response:
    """Tell how many bytes are stored; when all are, which document they have become."""
    return Response(headers=whole_standing(await tus.find(user.id, upload)))


@router.patch(
    "/{upload_id}",
    status_code=204,
    responses=problems(
        *_KNOWN, MalformedHeader, OffsetMismatch, UploadTakenOver, UploadStalled, *_APPENDING
    ),
    openapi_extra={
        "parameters": [
            *(_PATH_ID, _VERSION, _header("Upload-Offset", _BYTES, required=True), _CHECKSUM)
        ],
        "requestBody": _BODY,
    },
)
async def append_to_upload(
    user: Writer, upload: UploadId, piece: NextPiece, tus: Tus, response: Response
) -> None:
    """Send the next bytes of a file. With the last one it becomes a document of the same id."""
    response.headers.update(standing(await tus.append(user.id, upload, piece)))


@router.delete(
    "/{upload_id}",
    status_code=204,
    responses=problems(*_KNOWN),
    openapi_extra={"parameters": [_PATH_ID, _VERSION]},
)
async def terminate_upload(user: Writer, upload: UploadId, tus: Tus) -> None:
    """Forget an upload and what is stored of it. A document that it has become stays."""
    await tus.terminate(user.id, upload)
