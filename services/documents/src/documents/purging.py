"""Removing documents for good: the rows at once, what lies in object storage afterwards.

The rows go in one transaction with the event that names the objects, and the event is ours to
handle: whatever happens in between, it waits in the outbox or in the queue until they are gone.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from common import outbox
from common.database import Sessions, transaction
from common.storage import Storage
from contracts import DocumentDeleted, DocumentPurged
from sqlalchemy.ext.asyncio import AsyncSession

from documents.base import SOURCE, now
from documents.conditions import NO_CONDITIONS, Conditions
from documents.models import Document
from documents.repository import DocumentRepository
from documents.representation import Representation

_AT_ONCE = 200


class PurgeService:
    """Removes documents for good, whether they have been deleted before or not."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._documents = DocumentRepository(session)

    async def purge(
        self, owner_id: UUID, document_id: UUID, conditions: Conditions = NO_CONDITIONS
    ) -> None:
        """Remove one document of the owner's, if it is as the client believes."""
        document = await self._documents.lock_with_job(
            document_id, owner_id=owner_id, deleted_too=True
        )
        conditions.check(Representation.of(document).etag)
        await self._purge([document])

    async def purge_some(self, before: datetime) -> bool:
        """Remove some documents that were deleted before then; tell whether there may be more."""
        documents = await self._documents.lock_expired(before, limit=_AT_ONCE)
        if documents:
            await self._purge(documents)
        return documents is not None

    async def _purge(self, documents: Sequence[Document]) -> None:
        unheard = [document for document in documents if document.deleted_at is None]
        await outbox.record(
            self._session,
            *(DocumentDeleted(document_id=d.id, owner_id=d.user_id) for d in unheard),
            *(_purged(document) for document in documents),
            source=SOURCE,
        )
        await self._documents.remove(documents)


async def empty_trash(sessions: Sessions, *, kept: timedelta) -> None:
    """Remove what was deleted long enough ago, some documents in each transaction."""
    more = True
    while more:
        async with transaction(sessions) as session:
            more = await PurgeService(session).purge_some(now() - kept)


async def remove_objects(storage: Storage, event: DocumentPurged) -> None:
    """Remove what object storage has of a purged document; done again, it removes what is left.

    A page that a worker is reading at this moment comes too late for it: `sweeping` finds it.
    """
    for job_id in event.job_ids:
        await storage.delete_folder(f"results/{job_id}/")
    await storage.delete(event.object_key)


def _purged(document: Document) -> DocumentPurged:
    return DocumentPurged(
        document_id=document.id,
        owner_id=document.user_id,
        object_key=document.object_key,
        job_ids=(document.job.id,),
    )
