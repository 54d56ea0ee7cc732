"""The fan-in: pages are reported by many workers, and here it is decided when a job has ended."""

from typing import Any
from uuid import UUID

import structlog
from common import outbox
from contracts import (
    Event,
    Failure,
    OcrAssembled,
    OcrCompleted,
    OcrFailed,
    OcrPageCompleted,
    OcrPageFailed,
    OcrRejected,
    OcrStarted,
)
from sqlalchemy.ext.asyncio import AsyncSession

from documents.base import SOURCE
from documents.jobs import tasks
from documents.jobs.errors import JobNotFound
from documents.jobs.models import FAILED, Job, Page
from documents.jobs.repository import JobRepository
from documents.jobs.understanding import apply_understanding

logger = structlog.get_logger(__name__)


class FanIn:
    """What the events of the workers do to a job.

    Each method locks the job first, so that the last two pages, reported at the same moment,
    cannot both or neither see themselves as the last.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._jobs = JobRepository(session)

    async def start(self, event: OcrStarted) -> None:
        """Note how many pages the document has."""
        job = await self._open_job(event.job_id)
        if job is None:
            return
        job.start(event.pages)
        await self._record(tasks.progress(job))

    async def record_page(self, event: OcrPageCompleted) -> None:
        """Count a page that was read, in whichever attempt that was."""
        page = Page(
            job_id=event.job_id,
            number=event.page,
            source=event.source.value,
            chars=event.chars,
            confidence=event.confidence,
            result_key=event.result_key,
            error=None,
        )
        job = await self._open_job(page.job_id)
        if job is not None:
            await self._count(job, page, ms=event.ms)

    async def record_failed_page(self, event: OcrPageFailed) -> None:
        """Count a page that could not be read."""
        error = event.error.model_dump(mode="json")
        page = Page(job_id=event.job_id, number=event.page, source=FAILED, chars=0, error=error)
        job = await self._open_job(page.job_id)
        if job is not None and event.attempt == job.attempts:
            await self._count(job, page, ms=None)

    async def reject(self, event: OcrRejected) -> None:
        """End a job whose document cannot be opened."""
        job = await self._open_job(event.job_id)
        if job is not None and event.attempt == job.attempts:
            await self.fail(job, event.error)

    async def assembled(self, event: OcrAssembled) -> None:
        """End a job of whose document all has been made that can be."""
        job = await self._open_job(event.job_id)
        if job is None or not job.all_reported:
            return
        job.outputs = list(event.outputs)
        job.output_failures = {
            name: failure.model_dump(mode="json") for name, failure in event.failures.items()
        }
        job.understanding = event.understanding
        await apply_understanding(self._session, job)
        job.finish()
        await self._record(tasks.progress(job))
        await self._record(
            OcrCompleted(
                document_id=job.document_id,
                owner_id=job.user_id,
                job_id=job.id,
                attempt=job.attempts,
                pages=job.pages_done,
                partial=job.pages_failed > 0,
                missing_pages=tuple(await self._jobs.unread(job)),
            )
        )

    async def resume(self, job: Job, *, page: int | None = None) -> None:
        """Tell how far a locked job is; after the last page, have it assembled or end it.

        `page` is the one that was reported last.
        """
        if job.all_reported and job.pages_done == 0:
            await self.fail(job, await self._reason(job))
            return
        await self._record(tasks.progress(job, page=page))
        if job.all_reported:
            missing = tuple(await self._jobs.unread(job))
            await self._record(tasks.assembly_requested(job, missing))

    async def _count(self, job: Job, page: Page, *, ms: float | None) -> None:
        before = await self._jobs.get_page(job.id, page.number)
        if not job.count(page, before, ms=ms):
            return
        await self._jobs.save_page(page)
        await self.resume(job, page=page.number)

    async def fail(self, job: Job, error: Failure) -> None:
        """End a locked job without text, for a named reason."""
        job.fail(error.model_dump(mode="json"))
        await self._record(tasks.progress(job))
        await self._record(
            OcrFailed(
                document_id=job.document_id,
                owner_id=job.user_id,
                job_id=job.id,
                attempt=job.attempts,
                error=error,
            )
        )

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
