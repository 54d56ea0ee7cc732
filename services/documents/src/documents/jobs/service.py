"""The fan-in: pages are reported by many workers, and here it is decided when a job has ended."""

from typing import Any
from uuid import UUID

import structlog
from common import outbox
from contracts import (
    Event,
    Failure,
    OcrCompleted,
    OcrFailed,
    OcrPageCompleted,
    OcrPageFailed,
    OcrProgress,
    OcrRejected,
    OcrStarted,
)
from sqlalchemy.ext.asyncio import AsyncSession

from documents.base import SOURCE
from documents.jobs.errors import JobNotFound
from documents.jobs.models import Job, Page
from documents.jobs.repository import JobRepository

logger = structlog.get_logger(__name__)


class JobService:
    """What the events of the workers do to a job.

    Each method locks the job first, so that the last two pages, reported at the same moment,
    cannot both or neither see themselves as the last.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._jobs = JobRepository(session)

    async def get(self, owner_id: UUID, job_id: UUID) -> Job:
        """Return one job of the owner's; raises `JobNotFound`."""
        return await self._jobs.get(job_id, owner_id=owner_id)

    async def start(self, event: OcrStarted) -> None:
        """Note how many pages the document has."""
        job = await self._open_job(event.job_id)
        if job is None:
            return
        job.start(event.pages)
        await self._report(job, page=None)

    async def record_page(self, event: OcrPageCompleted) -> None:
        """Count a page that was read."""
        page = Page(
            job_id=event.job_id,
            number=event.page,
            source=event.source.value,
            chars=event.chars,
            confidence=event.confidence,
            result_key=event.result_key,
            error=None,
        )
        await self._count(page)

    async def record_failed_page(self, event: OcrPageFailed) -> None:
        """Count a page that could not be read."""
        error = event.error.model_dump(mode="json")
        page = Page(job_id=event.job_id, number=event.page, source="failed", chars=0, error=error)
        await self._count(page)

    async def reject(self, event: OcrRejected) -> None:
        """End a job whose document cannot be opened."""
        job = await self._open_job(event.job_id)
        if job is not None:
            await self._fail(job, event.error)

    async def _count(self, page: Page) -> None:
        job = await self._open_job(page.job_id)
        if job is None:
            return
        before = await self._jobs.get_page(job.id, page.number)
        if job.count(page, before):
            await self._jobs.save_page(page)
            await self._report(job, page=page.number)

    async def _report(self, job: Job, *, page: int | None) -> None:
        """Tell how far the job is, and end it when the last page is in."""
        if not job.all_reported:
            await self._record(progress(job, page=page))
        elif job.pages_done == 0:
            await self._fail(job, await self._reason(job))
        else:
            job.finish()
            await self._record(progress(job, page=page))
            await self._record(
                OcrCompleted(
                    document_id=job.document_id,
                    owner_id=job.document.user_id,
                    job_id=job.id,
                    pages=job.pages_done,
                    partial=job.pages_failed > 0,
                    missing_pages=tuple(await self._missing(job)),
                )
            )

    async def _fail(self, job: Job, error: Failure) -> None:
        job.fail(error.model_dump(mode="json"))
        await self._record(progress(job))
        await self._record(
            OcrFailed(
                document_id=job.document_id,
                owner_id=job.document.user_id,
                job_id=job.id,
                error=error,
            )
        )

    async def _missing(self, job: Job) -> list[int]:
        return [page.number for page in await self._jobs.pages(job.id) if not page.was_read]

    async def _reason(self, job: Job) -> Failure:
        """Return why no page could be read: the one reason of all pages, or that they differ."""
        errors: list[dict[str, Any]] = [
            page.error for page in await self._jobs.pages(job.id) if page.error is not None
        ]
        if len({error["type"] for error in errors}) == 1:
            return Failure.model_validate(errors[0])
        return Failure(
            type="urn:quire:problem:no-readable-page",
            title="No page of the document could be read",
            detail=f"{len(errors)} pages failed, for different reasons.",
        )

    async def _open_job(self, job_id: UUID) -> Job | None:
        """Return the locked job, or None when an event comes too late to matter."""
        try:
            job = await self._jobs.lock(job_id)
        except JobNotFound:
            logger.warning("event for an unknown job", job_id=str(job_id))
            return None
        return None if job.ended else job

    async def _record(self, event: Event) -> None:
        await outbox.record(self._session, event, source=SOURCE)


def progress(job: Job, *, page: int | None = None) -> OcrProgress:
    """Return how far a job is, as the event that tells it."""
    return OcrProgress(
        document_id=job.document_id,
        owner_id=job.document.user_id,
        job_id=job.id,
        status=job.status,
        progress=job.progress,
        page=page,
        pages_done=job.pages_done,
        pages_total=job.pages_total,
    )
