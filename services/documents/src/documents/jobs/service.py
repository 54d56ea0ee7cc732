"""What an owner can do with the reading of their documents."""

from collections.abc import Sequence
from uuid import UUID

from common import outbox
from common.pagination import PageRequest
from contracts import Event
from cryptography.fernet import Fernet
from sqlalchemy.ext.asyncio import AsyncSession

from documents.base import SOURCE
from documents.jobs import tasks
from documents.jobs.errors import JobEnded, JobRunning
from documents.jobs.fan_in import FanIn
from documents.jobs.models import Job, Status, Urgency
from documents.jobs.passwords import sealed
from documents.jobs.repository import JobRepository
from documents.jobs.schemas import ReadingRequest
from documents.jobs.turns import may_begin, position
from documents.repository import DocumentRepository
from documents.tools.offers import Offers


class JobService:
    """The use cases of jobs."""

    def __init__(self, session: AsyncSession, *, seal: Fernet, offers: Offers) -> None:
        self._session = session
        self._seal = seal
        self._offers = offers
        self._jobs = JobRepository(session)
        self._documents = DocumentRepository(session)

    async def get(self, owner_id: UUID, job_id: UUID) -> tuple[Job, int | None]:
        """Return one job of the owner's and its place in the queue; raises `JobNotFound`."""
        job = await self._jobs.get(job_id, owner_id=owner_id)
        return job, await position(self._session, job)

    async def list(
        self, owner_id: UUID, page: PageRequest, status: Status | None
    ) -> tuple[Sequence[Job], int]:
        """Return some of the owner's jobs, the youngest first, and how many there are."""
        return await self._jobs.list(owner_id, page, status)

    async def process(
        self,
        owner_id: UUID,
        document_id: UUID,
        wish: ReadingRequest,
        *,
        urgency: Urgency = Urgency.SOON,
    ) -> Job:
        """Have a document read once more, from the beginning.

        What is known of it stays until a page has been read anew. Raises `DocumentNotFound`,
        `JobRunning` while it is being read, `BackendUnavailable`, `LanguageUnavailable`.
        """
        await self._offers.check(backend=wish.backend, language=wish.language)
        document = await self._documents.lock_with_job(document_id, owner_id=owner_id)
        before = document.job
        if not before.ended and not before.held:
            raise JobRunning(f"Cancel the job {before.id} first, or wait for its end.")
        before.cancel()
        job = Job(
            document_id=document.id,
            user_id=owner_id,
            status=Status.QUEUED,
            urgency=urgency,
            backend=wish.backend,
            language=wish.language or document.language,
            force_ocr=wish.config.force_ocr,
            sealed_password=sealed(self._seal, wish.password) or before.sealed_password,
        )
        await self._jobs.add(job)
        await self._session.refresh(document, ["job"])
        await self._session.refresh(job, ["document"])
        await self._begin(job)
        return job

    async def retry(self, owner_id: UUID, job_id: UUID) -> Job:
        """Try again what of a document could not be read; raises `NothingToRetry`."""
        job = await self._jobs.get(job_id, owner_id=owner_id, lock=True)
        job.retry(await self._jobs.unread(job))
        await self._jobs.forget_failures(job)
        if job.status is Status.QUEUED:
            await self._begin(job)
        else:
            await FanIn(self._session).resume(job)
        return job

    async def cancel(self, owner_id: UUID, job_id: UUID) -> Job:
        """End a job; what has been read stays. Raises `JobEnded`."""
        job = await self._jobs.get(job_id, owner_id=owner_id, lock=True)
        if not job.cancel():
            raise JobEnded(f"The job is {job.status.value}.")
        await self._record(tasks.progress(job), tasks.cancelled(job))
        return job

    async def _begin(self, job: Job) -> None:
        """Ask for the document to be opened, unless its owner has many under way."""
        if await may_begin(self._session, job.user_id):
            job.ask()
            await self._record(tasks.requested(job))
        await self._record(tasks.progress(job))

    async def _record(self, *events: Event) -> None:
        await self._session.flush()
        await outbox.record(self._session, *events, source=SOURCE)
