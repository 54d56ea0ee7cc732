"""The queries about jobs and pages."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from common.pagination import PageRequest
from sqlalchemy.ext.asyncio import AsyncSession

from documents.jobs.errors import JobNotFound
from documents.jobs.models import FAILED, Job, Page, Status
from documents.models import Document


class JobRepository:
    """Finds and keeps jobs and pages in one session; never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, job_id: UUID, *, owner_id: UUID, lock: bool = False) -> Job:
        """Return a job of this owner; raises `JobNotFound`."""
        wanted = (
            sa.select(Job)
            .join(Document, Document.id == Job.document_id)
            .where(Job.id == job_id, Job.user_id == owner_id, Document.deleted_at.is_(None))
        )
        if lock:
            wanted = wanted.with_for_update(of=Job)
        job = await self._session.scalar(wanted.execution_options(populate_existing=True))
        if job is None:
            raise JobNotFound
        return job

    async def list(
        self, owner_id: UUID, page: PageRequest, status: Status | None
    ) -> tuple[Sequence[Job], int]:
        """Return some of the owner's jobs, the youngest first, and how many there are."""
        wanted = [Job.user_id == owner_id, Document.deleted_at.is_(None)]
        if status is not None:
            wanted.append(Job.status == status)
        jobs = sa.select(Job).join(Document, Document.id == Job.document_id).where(*wanted)
        total = await self._session.scalar(
            sa.select(sa.func.count())
            .select_from(Job)
            .join(Document, Document.id == Job.document_id)
            .where(*wanted)
        )
        found = await self._session.scalars(
            jobs.order_by(Job.created_at.desc(), Job.id.desc())
            .offset(page.offset)
            .limit(page.page_size)
        )
        return found.all(), total or 0

    async def add(self, job: Job) -> None:
        """Make a job its document's current one."""
        await self._session.execute(
            sa.update(Job)
            .where(Job.document_id == job.document_id, Job.current)
            .values(current=False)
        )
        self._session.add(job)
        await self._session.flush()

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
            .where(Document.user_id == owner_id, Document.deleted_at.is_(None), Job.current)
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

    async def unread(self, job: Job) -> Sequence[int]:
        """Return the numbers of the pages that have not been read, in their order."""
        read = await self._session.scalars(
            sa.select(Page.number).where(Page.job_id == job.id, Page.source != FAILED)
        )
        known = set(read)
        return [number for number in range(1, (job.pages_total or 0) + 1) if number not in known]

    async def unreported(self, job: Job) -> Sequence[int]:
        """Return the numbers of the pages of which nothing is known, in their order."""
        known = {page.number for page in await self.pages(job.id)}
        return [number for number in range(1, (job.pages_total or 0) + 1) if number not in known]

    async def forget_failures(self, job: Job) -> None:
        """Forget what is known of the pages that could not be read."""
        await self._session.execute(
            sa.delete(Page).where(Page.job_id == job.id, Page.source == FAILED)
        )
