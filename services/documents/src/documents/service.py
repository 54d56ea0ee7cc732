"""What can be done with documents, whoever asks: a request or an event."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from common import outbox
from common.storage import Storage
from contracts import DocumentUpdated
from sqlalchemy.ext.asyncio import AsyncSession

from documents.base import SOURCE
from documents.catalogue.service import remember_tags
from documents.conditions import NO_CONDITIONS, Conditions
from documents.deletion import DeletionService
from documents.jobs.models import Page
from documents.jobs.repository import JobRepository
from documents.models import Document
from documents.purging import PurgeService
from documents.references import check_references
from documents.repository import DocumentRepository
from documents.representation import Representation
from documents.results import read_page, read_text
from documents.schemas import DocumentChange, PageTextOut, StatsOut, TextOut
from documents.statistics import statistics

Revision = Callable[[Document], Mapping[str, object]]
"""Returns what is to be said about a document, once nobody else can change it."""


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

    async def update(
        self,
        owner_id: UUID,
        document_id: UUID,
        change: DocumentChange,
        conditions: Conditions = NO_CONDITIONS,
    ) -> Document:
        """Say something else about a document, if it is as the client believes."""
        fields = dict(change.given())
        if change.tags:
            fields["tags"] = await remember_tags(self._session, owner_id, change.tags)
        await check_references(self._session, owner_id, fields)
        return await self.revise(owner_id, document_id, lambda _: fields, conditions)

    async def revise(
        self,
        owner_id: UUID,
        document_id: UUID,
        revision: Revision,
        conditions: Conditions = NO_CONDITIONS,
    ) -> Document:
        """Change what is said about a document, and tell of it if anything is different."""
        document = await self._documents.get(document_id, owner_id=owner_id, lock=True)
        conditions.check(Representation.of(document).etag)
        changed = document.revise(revision(document))
        if changed:
            await self._session.flush()
            event = DocumentUpdated(document_id=document.id, owner_id=owner_id, changed=changed)
            await outbox.record(self._session, event, source=SOURCE)
        if "metadata" in changed:  # PostgreSQL keeps its keys in another order: so it is shown
            await self._session.refresh(document, ["custom"])
        return document

    async def delete(
        self,
        owner_id: UUID,
        document_id: UUID,
        conditions: Conditions = NO_CONDITIONS,
        *,
        permanent: bool = False,
    ) -> None:
        """Take a document out of sight, or remove it for good; its job ends."""
        if permanent:
            await PurgeService(self._session).purge(owner_id, document_id, conditions)
        else:
            await DeletionService(self._session).delete(owner_id, document_id, conditions)

    async def restore(self, owner_id: UUID, document_id: UUID) -> Document:
        """Bring a deleted document back; its job stays as it ended."""
        return await DeletionService(self._session).restore(owner_id, document_id)

    async def statistics(self, owner_id: UUID) -> StatsOut:
        """Count what the owner has stored."""
        return await statistics(self._session, owner_id)

    async def pages(self, owner_id: UUID, document_id: UUID) -> Sequence[Page]:
        """Return the pages reported so far, in their order."""
        document = await self._documents.get(document_id, owner_id=owner_id)
        return await self._jobs.pages(document.job.id)

    async def page(self, owner_id: UUID, document_id: UUID, number: int) -> PageTextOut:
        """Return what was read on one page; raises `PageNotFound`."""
        document = await self._documents.get(document_id, owner_id=owner_id)
        page = await self._jobs.get_page(document.job.id, number)
        await self._session.close()
        return await read_page(self._storage, page)

    async def text(self, owner_id: UUID, document_id: UUID) -> TextOut:
        """Return the text of the pages read so far."""
        document = await self._documents.get(document_id, owner_id=owner_id)
        pages = [page for page in await self._jobs.pages(document.job.id) if page.was_read]
        # The storage may be slow: nobody has to wait for our connection meanwhile.
        await self._session.close()
        text = await read_text(self._storage, pages)
        return TextOut(document_id=document.id, text=text, pages=len(pages))
