"""The queries about jobs and pages."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from documents.jobs.errors import JobNotFound
from documents.jobs.models import Job, Page
from documents.models import Document


class JobRepository:
    """Finds and keeps jobs and pages in one session; never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, job_id: UUID, *, owner_id: UUID) -> Job:
        """Return a job of this owner; raises `JobNotFound`."""
        job = await self._session.scalar(
            sa.select(Job)
            .join(Job.document)
            .where(Job.id == job_id, Document.user_id == owner_id, Document.deleted_at.is_(None))
        )
        if job is None:
            raise JobNotFound
        return job

    async def lock(self, job_id: UUID) -> Job:
        """Return a job that nobody else changes until this transaction ends."""
        job = await self._session.scalar(
            sa.select(Job).where(Job.id == job_id).with_for_update(of=Job)
        )
        if job is None:
            raise JobNotFound
        return job

    async def lock_some(self, owner_id: UUID, *, limit: int) -> Sequence[UUID]:
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
