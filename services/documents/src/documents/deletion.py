"""Taking documents out of sight: one, because its owner says so, or all, because the owner left."""

from collections.abc import Sequence
from uuid import UUID

from common import outbox
from common.database import Sessions, transaction
from contracts import DocumentDeleted
from sqlalchemy.ext.asyncio import AsyncSession

from documents.base import SOURCE
from documents.jobs.repository import JobRepository
from documents.models import Document
from documents.repository import DocumentRepository

_AT_ONCE = 200


class DeletionService:
    """Deletes documents, and ends their jobs.

    The job is locked first, as everywhere, and then the document is read again: somebody else may
    have deleted it in between, and a document is told to be deleted once.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._documents = DocumentRepository(session)
        self._jobs = JobRepository(session)

    async def delete(self, owner_id: UUID, document_id: UUID) -> None:
        """Delete one document of the owner's."""
        document = await self._documents.get(document_id, owner_id=owner_id)
        await self._jobs.lock(document.job.id)
        await self._delete([await self._documents.get(document_id, owner_id=owner_id)])

    async def delete_some(self, owner_id: UUID) -> bool:
        """Delete some of the owner's documents; tell whether there may be more."""
        locked = await self._jobs.lock_some(owner_id, limit=_AT_ONCE)
        await self._delete(await self._documents.get_all(locked))
        return bool(locked)

    async def _delete(self, documents: Sequence[Document]) -> None:
        for document in documents:
            document.delete()
        events = (DocumentDeleted(document_id=d.id, owner_id=d.user_id) for d in documents)
        await outbox.record(self._session, *events, source=SOURCE)


async def delete_all(sessions: Sessions, owner_id: UUID) -> None:
    """Delete all documents of somebody who has left, some in each transaction.

    One transaction for a hundred thousand documents would keep every late page of theirs waiting,
    and all would be lost if it were cut off. Nothing has to be remembered either: done again, it
    finds what is left. That includes an upload which had begun before its owner left and is
    committed afterwards. Until `user.deleted` is told again such a document stays, with nobody
    who could see it: the owner's tokens are denied.
    """
    more = True
    while more:
        async with transaction(sessions) as session:
            more = await DeletionService(session).delete_some(owner_id)
