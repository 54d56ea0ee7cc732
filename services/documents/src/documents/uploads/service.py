"""What can be done with a file that comes in: store it, and have it read."""

import asyncio
import contextlib
from pathlib import PurePath
from uuid import UUID, uuid4

from common import outbox
from common.errors import Unavailable
from common.storage import Storage
from contracts import DocumentUploaded
from sqlalchemy.ext.asyncio import AsyncSession

from documents.base import SOURCE
from documents.catalogue.service import remember_tags
from documents.jobs.models import Job, Status
from documents.jobs.service import progress
from documents.models import Document
from documents.references import check_references
from documents.repository import DocumentRepository
from documents.uploads.form import UploadForm
from documents.uploads.inspection import InspectedStream


class UploadService:
    """The use cases of files that come in."""

    def __init__(self, session: AsyncSession, storage: Storage, *, max_file_bytes: int) -> None:
        self._session = session
        self._storage = storage
        self._documents = DocumentRepository(session)
        self._max_file_bytes = max_file_bytes

    async def upload(self, owner_id: UUID, form: UploadForm) -> Document:
        """Store a file and queue it for reading.

        The bytes come first: an object without a row is harmless, a row without bytes is not.
        """
        document_id = uuid4()
        key = f"originals/{document_id}"
        file = InspectedStream(form.file(), max_bytes=self._max_file_bytes)
        chunks = await file.open()
        await self._storage.put_stream(key, chunks, content_type=file.mime_type)
        try:
            fields = form.fields()
            tags = await remember_tags(self._session, owner_id, fields.tags)
            await check_references(self._session, owner_id, {"category_id": fields.category_id})
            name = form.filename or "document"
            document = Document(
                id=document_id,
                user_id=owner_id,
                title=fields.title or PurePath(name).stem or name,
                description=fields.description,
                document_type=fields.document_type,
                category_id=fields.category_id,
                tags=tags,
                filename=name,
                mime_type=file.mime_type,
                file_size=file.size,
                file_hash=file.sha256,
                object_key=key,
                language=fields.language,
                job=Job(id=uuid4(), status=Status.QUEUED),
            )
            await self._documents.add(document)
            await self._announce(document)
        except BaseException:
            with contextlib.suppress(Unavailable):  # what went wrong first is what counts
                await asyncio.shield(self._storage.delete(key))
            raise
        return document

    async def _announce(self, document: Document) -> None:
        await outbox.record(
            self._session,
            DocumentUploaded(
                document_id=document.id,
                owner_id=document.user_id,
                job_id=document.job.id,
                object_key=document.object_key,
                mime_type=document.mime_type,
                file_size=document.file_size,
                language=document.language,
            ),
            progress(document.job),
            source=SOURCE,
        )
