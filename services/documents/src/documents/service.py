"""What can be done with documents, whoever asks: a request or an event."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import PurePath
from uuid import UUID, uuid4

from common import outbox
from common.errors import Unavailable
from common.pagination import PageRequest
from common.storage import Storage
from contracts import DocumentUploaded, Event
from sqlalchemy.ext.asyncio import AsyncSession

from documents.deletion import DeletionService
from documents.inspection import InspectedStream
from documents.jobs import SOURCE, progress
from documents.models import Document, Job, Page, Status
from documents.repository import DocumentRepository
from documents.results import read_text
from documents.upload_form import UploadForm


class DocumentService:
    """The use cases of a user's documents."""

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
            name = form.filename or "document"
            document = Document(
                id=document_id,
                user_id=owner_id,
                title=fields.title or PurePath(name).stem or name,
                description=fields.description,
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

    async def get(self, owner_id: UUID, document_id: UUID) -> Document:
        """Return one document of the owner's."""
        return await self._documents.get(document_id, owner_id=owner_id)

    async def list(self, owner_id: UUID, page: PageRequest) -> tuple[Sequence[Document], int]:
        """Return a page of the owner's documents, newest first, and how many there are."""
        return await self._documents.list(owner_id=owner_id, page=page)

    async def delete(self, owner_id: UUID, document_id: UUID) -> None:
        """Take a document out of sight; its job ends."""
        await DeletionService(self._session).delete(owner_id, document_id)

    async def pages(self, owner_id: UUID, document_id: UUID) -> Sequence[Page]:
        """Return the pages reported so far, in their order."""
        document = await self._documents.get(document_id, owner_id=owner_id)
        return await self._documents.pages(document.job.id)

    async def text(self, owner_id: UUID, document_id: UUID) -> tuple[Document, str, int]:
        """Return the text of the pages read so far, and how many those are."""
        document = await self._documents.get(document_id, owner_id=owner_id)
        pages = [page for page in await self._documents.pages(document.job.id) if page.was_read]
        return document, await read_text(self._storage, pages), len(pages)

    async def content(
        self, owner_id: UUID, document_id: UUID
    ) -> tuple[Document, AsyncIterator[bytes]]:
        """Return a document and the bytes of its file."""
        document = await self._documents.get(document_id, owner_id=owner_id)
        return document, await self._storage.open(document.object_key)

    async def job(self, owner_id: UUID, job_id: UUID) -> Job:
        """Return one job of the owner's."""
        return await self._documents.get_job(job_id, owner_id=owner_id)

    async def _announce(self, document: Document) -> None:
        await self._record(
            DocumentUploaded(
                document_id=document.id,
                owner_id=document.user_id,
                job_id=document.job.id,
                object_key=document.object_key,
                mime_type=document.mime_type,
                file_size=document.file_size,
                language=document.language,
            )
        )
        await self._record(progress(document.job))

    async def _record(self, event: Event) -> None:
        await outbox.record(self._session, event, source=SOURCE)
