"""Files that clients write themselves, over HTTP."""

from uuid import UUID

from common.errors import Forbidden, Unauthorized, Unavailable, problems
from fastapi import APIRouter, Response

from documents.direct.errors import (
    DirectUploadUnavailable,
    FileNotSent,
    FileReplaced,
    WrongFileSize,
)
from documents.direct.schemas import DirectUploadOut
from documents.resources import DirectUploads, Writer
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
from documents.uploads.fields import AnnouncedFile

router = APIRouter(
    prefix="/api/v1/documents/upload/presigned",
    tags=["documents"],
    responses=problems(Unauthorized, Forbidden, AccountClosed, Unavailable),
)

_GONE = (UploadNotFound, UploadExpired)


@router.post(
    "",
    status_code=201,
    responses=problems(DirectUploadUnavailable, FileTooLarge, QuotaExceeded),
)
async def begin_direct_upload(
    file: AnnouncedFile, user: Writer, uploads: DirectUploads, response: Response
) -> DirectUploadOut:
    """Announce a file, and learn where to write it; its room is kept until it is completed."""
    invitation = await uploads.begin(user.id, file)
    response.headers["Cache-Control"] = "no-store"
    return DirectUploadOut(
        upload_id=invitation.upload.id,
        url=invitation.put.url,
        method="PUT",
        headers=dict(invitation.put.headers),
        expires_at=invitation.expires_at,
    )


@router.post(
    "/{upload_id}/complete",
    status_code=201,
    responses=problems(
        *(WrongFileSize, *_GONE, FileNotSent, FileReplaced, DuplicateDocument, UploadBusy),
        *(QuotaExceeded, UnsupportedType),
    ),
)
async def complete_direct_upload(
    upload_id: UUID, user: Writer, uploads: DirectUploads, response: Response
) -> DocumentOut:
    """Make a document of what was written and queue it for reading; asked again, it is the same."""
    document = await uploads.complete(user.id, upload_id)
    response.headers["Location"] = f"/api/v1/documents/{document.id}"
    return DocumentOut.model_validate(document)


@router.delete("/{upload_id}", status_code=204, responses=problems(*_GONE, UploadBusy, UploadEnded))
async def give_up_direct_upload(upload_id: UUID, user: Writer, uploads: DirectUploads) -> None:
    """Give an upload up; what was written is removed."""
    await uploads.give_up(user.id, upload_id)
