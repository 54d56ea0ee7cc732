"""Making a document of a file that is stored: the last step of every way in."""

from dataclasses import dataclass
from pathlib import PurePath
from uuid import UUID, uuid4

from common import outbox
from sqlalchemy.ext.asyncio import AsyncSession

from documents.base import SOURCE
from documents.catalogue.service import remember_tags
from documents.jobs import tasks
from documents.jobs.models import Job, Status
from documents.jobs.turns import may_begin
from documents.models import Document
from documents.references import check_references
from documents.repository import DocumentRepository
from documents.uploads.fields import UploadFields
from documents.uploads.inspection import InspectedStream
from documents.uploads.limits import UploadLimits
from documents.uploads.quota import check_quota


@dataclass(frozen=True)
class StoredFile:
    """A file that lies whole in the object storage; its size is in bytes, its hash in hex."""

    document_id: UUID
    object_key: str
    filename: str
    mime_type: str
    size: int
    sha256: str

    @classmethod
    def of(
        cls, inspected: InspectedStream, *, document_id: UUID, object_key: str, filename: str
    ) -> "StoredFile":
        """Return what a stream that has flowed by has told of the file."""
        facts = (inspected.mime_type, inspected.size, inspected.sha256)
        return cls(document_id, object_key, filename, *facts)


async def register(
    session: AsyncSession,
    owner_id: UUID,
    file: StoredFile,
    fields: UploadFields,
    limits: UploadLimits,
    *,
    sealed_password: str | None = None,
) -> Document:
    """Make a document of a stored file and queue it for reading.

    Raises `DuplicateDocument`, `QuotaExceeded`, and what is wrong with the fields; the object is
    the caller's to remove then.
    """
    tags = await remember_tags(session, owner_id, fields.tags)
    await check_references(session, owner_id, {"category_id": fields.category_id})
    document = Document(
        id=file.document_id,
        user_id=owner_id,
        title=fields.title or PurePath(file.filename).stem or file.filename,
        description=fields.description,
        document_type=fields.document_type,
        category_id=fields.category_id,
        tags=tags,
        filename=file.filename,
        mime_type=file.mime_type,
        file_size=file.size,
        file_hash=file.sha256,
        object_key=file.object_key,
        language=fields.language,
        job=Job(
            id=uuid4(),
            user_id=owner_id,
            status=Status.QUEUED,
            backend=fields.backend,
            language=fields.language,
            sealed_password=sealed_password,
            held=not fields.ocr,
        ),
    )
    if fields.ocr and await may_begin(session, owner_id):
        document.job.ask()
    await DocumentRepository(session).add(document)
    await check_quota(session, owner_id, limits)
    await outbox.record(
        session, tasks.uploaded(document.job), tasks.progress(document.job), source=SOURCE
    )
    return document
