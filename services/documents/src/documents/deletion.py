"""Taking documents out of sight, as their owner says or because the owner left; and back."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from common import outbox
from common.database import Sessions, transaction
from contracts import DocumentDeleted, DocumentRestored, Event
from sqlalchemy.ext.asyncio import AsyncSession

from documents.base import SOURCE
from documents.catalogue.models import Category, Supplier, Tag
from documents.conditions import NO_CONDITIONS, Conditions
from documents.jobs import tasks
from documents.jobs.repository import JobRepository
from documents.models import Document
from documents.repository import DocumentRepository
from documents.representation import Representation
from documents.uploads.quota import close_account
from documents.uploads.repository import UploadRepository

_AT_ONCE = 200


class DeletionService:
    """Deletes documents, and ends their jobs; restores them, without their jobs."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._documents = DocumentRepository(session)
        self._jobs = JobRepository(session)

    async def delete(
        self, owner_id: UUID, document_id: UUID, conditions: Conditions = NO_CONDITIONS
    ) -> None:
        """Delete one document of the owner's, if it is as the client believes."""
        document = await self._documents.lock_with_job(document_id, owner_id=owner_id)
        conditions.check(Representation.of(document).etag)
        await self._delete([document])

    async def restore(self, owner_id: UUID, document_id: UUID) -> Document:
        """Bring a deleted document back; raises `DuplicateDocument`."""
        document = await self._documents.get(
            document_id, owner_id=owner_id, lock=True, deleted_too=True
        )
        if document.deleted_at is not None:
            await self._documents.restore(document)
            event = DocumentRestored(document_id=document.id, owner_id=owner_id)
            await outbox.record(self._session, event, source=SOURCE)
        return document

    async def delete_some(self, owner_id: UUID) -> bool:
        """Delete some of the owner's documents; tell whether there may be more."""
        locked = await self._jobs.lock_some(owner_id, limit=_AT_ONCE)
        await self._delete(await self._documents.get_all(locked))
        return bool(locked)

    async def _delete(self, documents: Sequence[Document]) -> None:
        events: list[Event] = []
        for document in documents:
            if document.delete():
                events.append(tasks.cancelled(document.job))
            events.append(DocumentDeleted(document_id=document.id, owner_id=document.user_id))
        await outbox.record(self._session, *events, source=SOURCE)


async def delete_all(sessions: Sessions, owner_id: UUID) -> None:
    """Delete all that somebody who has left has had, some documents in each transaction.

    One transaction for a hundred thousand documents would keep every late page of theirs waiting,
    and all would be lost if it were cut off. Nothing has to be remembered either: done again, it
    finds what is left. Nothing comes in meanwhile or later: the account is closed first.
    """
    async with transaction(sessions) as session:
        await close_account(session, owner_id)
    async with transaction(sessions) as session:
        await UploadRepository(session).expire_all(owner_id)
    more = True
    while more:
        async with transaction(sessions) as session:
            more = await DeletionService(session).delete_some(owner_id)
    async with transaction(sessions) as session:
        for noun in (Category, Supplier, Tag):
            await session.execute(sa.delete(noun).where(noun.user_id == owner_id))
