"""What can be done with documents, whoever asks: a request or an event."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from common.pagination import PageRequest
from common.storage import Storage
from sqlalchemy.ext.asyncio import AsyncSession

from documents.deletion import DeletionService
from documents.jobs.models import Page
from documents.jobs.repository import JobRepository
from documents.models import Document
from documents.repository import DocumentRepository
from documents.results import read_text


class DocumentService:
    """The use cases of a user's documents."""

    def __init__(self, session: AsyncSession, storage: Storage) -> None:
        self._session = session
        self._storage = storage
        self._documents = DocumentRepository(session)
        self._jobs = JobRepository(session)

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
        return await self._jobs.pages(document.job.id)

    async def text(self, owner_id: UUID, document_id: UUID) -> tuple[Document, str, int]:
        """Return the text of the pages read so far, and how many those are."""
        document = await self._documents.get(document_id, owner_id=owner_id)
        pages = [page for page in await self._jobs.pages(document.job.id) if page.was_read]
        return document, await read_text(self._storage, pages), len(pages)

    async def content(
        self, owner_id: UUID, document_id: UUID
    ) -> tuple[Document, AsyncIterator[bytes]]:
        """Return a document and the bytes of its file."""
        document = await self._documents.get(document_id, owner_id=owner_id)
        return document, await self._storage.open(document.object_key)
