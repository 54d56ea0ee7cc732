"""What workers are asked for, and what the world hears of a job: its events."""

from typing import Any, TypedDict
from uuid import UUID

from contracts import (
    DocumentUploaded,
    OcrAssemblyRequested,
    OcrCancelled,
    OcrPagesRequested,
    OcrProgress,
    OcrRequested,
)

from documents.jobs.models import Job
from documents.jobs.runs import Run


class _Task(TypedDict):
    document_id: UUID
    job_id: UUID
    attempt: int
    object_key: str
    mime_type: str
    language: str | None
    backend: str | None
    force_ocr: bool
    sealed_password: str | None


def _task(job: Job) -> _Task:
    document = job.document
    return {
        "document_id": document.id,
        "job_id": job.id,
        "attempt": job.attempts,
        "object_key": document.object_key,
        "mime_type": document.mime_type,
        "language": job.language,
        "backend": job.backend,
        "force_ocr": job.force_ocr,
        "sealed_password": job.sealed_password,
    }


def uploaded(job: Job) -> DocumentUploaded:
    """Return that a document is stored; whether workers begin with it at once, the job says."""
    document = job.document
    return DocumentUploaded(
        **_task(job),
        owner_id=document.user_id,
        file_size=document.file_size,
        read_now=job.asked_at is not None,
    )


def requested(job: Job) -> OcrRequested:
    """Return the wish that a worker opens the document."""
    return OcrRequested(**_task(job), owner_id=job.user_id)


def pages_requested(job: Job, run: Run) -> OcrPagesRequested:
    """Return the wish that a worker reads some pages."""
    first, last = run
    return OcrPagesRequested(**_task(job), first=first, last=last)


def assembly_requested(job: Job, missing: tuple[int, ...]) -> OcrAssemblyRequested:
    """Return the wish that a worker makes what can be made of the whole document."""
    return OcrAssemblyRequested(**_task(job), pages=job.pages_total or 1, missing_pages=missing)


def progress(job: Job, *, page: int | None = None) -> OcrProgress:
    """Return how far a job is."""
    return OcrProgress(
        **_ours(job),
        status=job.status,
        progress=job.progress,
        page=page,
        pages_done=job.pages_done,
        pages_total=job.pages_total,
    )


def cancelled(job: Job) -> OcrCancelled:
    """Return that nobody wants a job's result any more."""
    return OcrCancelled(**_ours(job))


def _ours(job: Job) -> dict[str, Any]:
    return {
        "document_id": job.document_id,
        "owner_id": job.user_id,
        "job_id": job.id,
        "attempt": job.attempts,
    }
