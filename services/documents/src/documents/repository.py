"""The queries. Whatever a user asks for is looked up together with its owner."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from documents.errors import DocumentNotFound
from documents.jobs.models import Job, Page
from documents.models import Document
from documents.uploads.errors import DuplicateDocument


class DocumentRepository:
    """Finds and keeps documents in one session; never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, document: Document) -> None:
        """Insert a document with its job; raises `DuplicateDocument`."""
        async with self._without_twin(document):
            self._session.add(document)

    async def restore(self, document: Document) -> None:
        """Bring a locked document back; raises `DuplicateDocument` if its bytes are there again."""
        async with self._without_twin(document):
            document.restore()

    async def get(
        self,
        document_id: UUID,
        *,
        owner_id: UUID,
        lock: bool = False,
        deleted_too: bool = False,
    ) -> Document:
        """Return a document of this owner; raises `DocumentNotFound`.

        Locked, it changes no more until this transaction ends.
        """
        wanted = sa.select(Document).where(*_mine(document_id, owner_id, deleted_too=deleted_too))
        if lock:
            wanted = wanted.with_for_update(of=Document)
        document = await self._session.scalar(wanted.execution_options(populate_existing=True))
        if document is None:
            raise DocumentNotFound
        return document

    async def lock_with_job(
        self, document_id: UUID, *, owner_id: UUID, deleted_too: bool = False
    ) -> Document:
        """Return a document that changes no more, nor does its job; raises `DocumentNotFound`.

        The job is locked first, as everywhere; somebody may have deleted the document meanwhile.
        """
        mine = _mine(document_id, owner_id, deleted_too=deleted_too)
        job = sa.select(Job.id).join(Job.document).where(*mine).with_for_update(of=Job)
        await self._session.execute(job)
        return await self.get(document_id, owner_id=owner_id, lock=True, deleted_too=deleted_too)

    async def lock_jobs(self, document_ids: Sequence[UUID], *, owner_id: UUID) -> None:
        """Lock the jobs of many documents of this owner, before any of the documents."""
        await self._session.execute(
            sa.select(Job.id)
            .join(Job.document)
            .where(Document.id.in_(document_ids), Document.user_id == owner_id)
            .order_by(Document.file_hash, Document.id)  # as `JobRepository.lock_some` does
            .with_for_update(of=Job)
        )

    async def lock_expired(self, before: datetime, *, limit: int) -> Sequence[Document] | None:
        """Lock some documents that were deleted before then; None when there is none any more."""
        expired = Document.deleted_at < before
        ids = await self._session.scalars(
            sa.select(Job.document_id)
            .join(Job.document)
            .where(expired)
            .order_by(Document.file_hash, Document.id)
            .limit(limit)
            .with_for_update(of=Job)
        )
        wanted = ids.all()
        found = await self._session.scalars(
            sa.select(Document)
            .where(Document.id.in_(wanted), expired)  # one may have been restored meanwhile
            .order_by(Document.id)
            .with_for_update(of=Document)
            .execution_options(populate_existing=True)
        )
        return found.all() if wanted else None

    async def remove(self, documents: Sequence[Document]) -> None:
        """Remove documents with all that is about them, for good."""
        jobs = [document.job.id for document in documents]
        ids = [document.id for document in documents]
        for rows in (
            sa.delete(Page).where(Page.job_id.in_(jobs)),
            sa.delete(Job).where(Job.id.in_(jobs)),
            sa.delete(Document).where(Document.id.in_(ids)),
        ):
            await self._session.execute(rows, execution_options={"synchronize_session": False})

    async def get_all(self, document_ids: Sequence[UUID]) -> Sequence[Document]:
        """Return these documents, without those that have been deleted."""
        found = await self._session.scalars(
            sa.select(Document).where(Document.id.in_(document_ids), Document.deleted_at.is_(None))
        )
        return found.all()

    @asynccontextmanager
    async def _without_twin(self, document: Document) -> AsyncIterator[None]:
        """Let the unique index decide whether the same bytes are there already."""
        same = (Document.user_id == document.user_id, Document.file_hash == document.file_hash)
        try:
            async with self._session.begin_nested():
                yield
        except IntegrityError as error:
            twin = await self._session.scalar(
                sa.select(Document.id).where(*same, Document.deleted_at.is_(None))
            )
            if twin is None:
                raise
            raise DuplicateDocument(twin) from error


def _mine(
    document_id: UUID, owner_id: UUID, *, deleted_too: bool
) -> Sequence[sa.ColumnElement[bool]]:
    mine = [Document.id == document_id, Document.user_id == owner_id]
    return mine if deleted_too else [*mine, Document.deleted_at.is_(None)]
