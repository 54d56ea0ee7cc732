"""The begin of an upload that takes several requests."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from documents.base import now
from documents.references import check_references
from documents.uploads.errors import FileTooLarge
from documents.uploads.fields import AnnouncedFile, shown_name
from documents.uploads.limits import UploadLimits
from documents.uploads.models import Kind, Upload
from documents.uploads.quota import check_quota


async def begin(
    session: AsyncSession,
    owner_id: UUID,
    file: AnnouncedFile,
    limits: UploadLimits,
    *,
    kind: Kind,
    max_bytes: int,
    chunk_size: int | None = None,
) -> Upload:
    """Keep a place for a file of `max_bytes` at most.

    It counts as stored from now on, so that the quota is decided before any byte is sent. Raises
    `FileTooLarge`, `QuotaExceeded`, `UnknownReference`.
    """
    if file.file_size > max_bytes:
        raise FileTooLarge(f"At most {max_bytes} bytes are accepted.")
    await check_references(session, owner_id, {"category_id": file.category_id})
    upload = Upload(
        user_id=owner_id,
        kind=kind,
        filename=shown_name(file.filename),
        fields=file.said(),
        length=file.file_size,
        chunk_size=chunk_size,
        expires_at=now() + limits.upload_lifetime,
    )
    session.add(upload)
    await session.flush()
    await check_quota(session, owner_id, limits)
    return upload
