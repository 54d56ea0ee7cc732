"""The queries. Whatever a user asks for is looked up together with its owner."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from common.pagination import PageRequest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from documents.errors import DocumentNotFound, DuplicateDocument, JobNotFound
from documents.models import Document, Job, Page


class DocumentRepository:
    """Finds and keeps documents, jobs and pages in one session; never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, document: Document) -> None:
        """Insert a document with its job; raises `DuplicateDocument`."""
        try:
            async with self._session.begin_nested():
                self._session.add(document)
        except IntegrityError as error:
            twin = await self._session.scalar(
                sa.select(Document.id).where(
                    Document.user_id == document.user_id,
                    Document.file_hash == document.file_hash,
                    Document.deleted_at.is_(None),
                )
            )
            if twin is None:
                raise
            raise DuplicateDocument(twin) from error

    async def get(self, document_id: UUID, *, owner_id: UUID) -> Document:
        """Return a document of this owner; raises `DocumentNotFound`."""
        document = await self._session.scalar(
            sa.select(Document)
            .where(
                Document.id == document_id,
                Document.user_id == owner_id,
                Document.deleted_at.is_(None),
            )
            .execution_options(populate_existing=True)
        )
        if document is None:
            raise DocumentNotFound
        return document

    async def get_all(self, document_ids: Sequence[UUID]) -> Sequence[Document]:
        """Return these documents, without those that have been deleted."""
        found = await self._session.scalars(
            sa.select(Document).where(Document.id.in_(document_ids), Document.deleted_at.is_(None))
        )
        return found.all()

    async def list(self, *, owner_id: UUID, page: PageRequest) -> tuple[Sequence[Document], int]:
        """Return one page of an owner's documents, newest first, and how many there are."""
        mine = sa.and_(Document.user_id == owner_id, Document.deleted_at.is_(None))
        total = await self._session.scalar(
            sa.select(sa.func.count()).select_from(Document).where(mine)
        )
        documents = await self._session.scalars(
            sa.select(Document)
            .where(mine)
            .order_by(Document.created_at.desc(), Document.id.desc())
            .offset(page.offset)
            .limit(page.page_size)
        )
        return documents.all(), total or 0

    async def get_job(self, job_id: UUID, *, owner_id: UUID) -> Job:
        """Return a job of this owner; raises `JobNotFound`."""
        job = await self._session.scalar(
            sa.select(Job)
            .join(Job.document)
            .where(Job.id == job_id, Document.user_id == owner_id, Document.deleted_at.is_(None))
        )
        if job is None:
            raise JobNotFound
        return job

    async def lock_job(self, job_id: UUID) -> Job:
        """Return a job that nobody else changes until this transaction ends."""
        job = await self._session.scalar(
            sa.select(Job).where(Job.id == job_id).with_for_update(of=Job)
        )
        if job is None:
            raise JobNotFound
        return job

    async def lock_jobs(self, owner_id: UUID, *, limit: int) -> Sequence[UUID]:
        """Lock the jobs of some of an owner's documents, and return the ids of the documents."""
        ids = await self._session.scalars(
            sa.select(Job.document_id)
            .join(Job.document)
            .where(Document.user_id == owner_id, Document.deleted_at.is_(None))
            .order_by(Document.file_hash)  # as the index has them; and two cannot lock crosswise
            .limit(limit)
            .with_for_update(of=Job)
        )
        return ids.all()

    async def get_page(self, job_id: UUID, number: int) -> Page | None:
        """Return what is known of a page, if anything is."""
        return await self._session.get(Page, (job_id, number))

    async def save_page(self, page: Page) -> None:
        """Insert a page or replace what was known of it."""
        await self._session.merge(page)
        await self._session.flush()

    async def pages(self, job_id: UUID) -> Sequence[Page]:
        """Return the reported pages of a job in their order."""
        return (
            await self._session.scalars(
                sa.select(Page).where(Page.job_id == job_id).order_by(Page.number)
            )
        ).all()
