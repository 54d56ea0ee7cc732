"""Jobs over HTTP."""

from typing import Annotated
from uuid import UUID

from common.errors import Forbidden, Unauthorized, Unavailable, problems
from common.idempotency import KEY_REFUSALS, IdempotentRoute, idempotent
from common.pagination import Page, Paging
from fastapi import APIRouter, Depends, Query

from documents.errors import DocumentNotFound
from documents.jobs.errors import JobEnded, JobNotFound, JobRunning, NothingToRetry
from documents.jobs.extraction import Corrections
from documents.jobs.models import Status
from documents.jobs.schemas import BatchOut, BatchRequest, JobOut, ProcessRequest, ResultOut
from documents.resources import Batches, Jobs, OcrRunner, Reader, Results, Writer
from documents.tools.errors import BackendUnavailable, LanguageUnavailable

router = APIRouter(
    prefix="/api/v1/ocr",
    tags=["ocr"],
    responses=problems(Unauthorized, Forbidden, Unavailable),
    route_class=IdempotentRoute,
)


@router.post(
    "/process",
    status_code=202,
    dependencies=[Depends(idempotent)],
    responses=problems(
        DocumentNotFound, JobRunning, BackendUnavailable, LanguageUnavailable, *KEY_REFUSALS
    ),
)
async def process(request: ProcessRequest, user: OcrRunner, jobs: Jobs) -> JobOut:
    """Have a document read once more: with another backend, in another language, or anew."""
    return JobOut.of(await jobs.process(user.id, request.document_id, request))


@router.post(
    "/batch",
    status_code=202,
    dependencies=[Depends(idempotent)],
    responses=problems(*KEY_REFUSALS),
)
async def process_many(request: BatchRequest, user: OcrRunner, batches: Batches) -> BatchOut:
    """Have up to a hundred documents read once more; each is taken or refused on its own."""
    return await batches.process(user.id, request)


@router.get("/jobs")
async def list_jobs(
    user: Reader, jobs: Jobs, page: Paging, status: Annotated[Status | None, Query()] = None
) -> Page[JobOut]:
    """List your jobs, the youngest first."""
    found, total = await jobs.list(user.id, page, status)
    return Page.of([JobOut.of(job) for job in found], total=total, request=page)


@router.get("/jobs/{job_id}", responses=problems(JobNotFound))
async def get_job(job_id: UUID, user: Reader, jobs: Jobs) -> JobOut:
    """Show how far the reading of a document is."""
    return JobOut.of(*await jobs.get(user.id, job_id))


@router.post("/jobs/{job_id}/cancel", responses=problems(JobNotFound, JobEnded))
async def cancel_job(job_id: UUID, user: OcrRunner, jobs: Jobs) -> JobOut:
    """Stop reading a document; the pages that have been read stay."""
    return JobOut.of(await jobs.cancel(user.id, job_id))


@router.post(
    "/jobs/{job_id}/retry", status_code=202, responses=problems(JobNotFound, NothingToRetry)
)
async def retry_job(job_id: UUID, user: OcrRunner, jobs: Jobs) -> JobOut:
    """Read the pages that could not be read, and only those."""
    return JobOut.of(await jobs.retry(user.id, job_id))


@router.get("/results/{job_id}", responses=problems(JobNotFound))
async def get_result(job_id: UUID, user: Reader, results: Results) -> ResultOut:
    """Return what a job has read so far, and what it has understood of it."""
    return await results.get(user.id, job_id)


@router.patch("/results/{job_id}", responses=problems(JobNotFound))
async def correct_result(
    job_id: UUID, corrections: Corrections, user: Writer, results: Results
) -> ResultOut:
    """Put right what was understood. The document itself stays as it is said to be."""
    return await results.correct(user.id, job_id, corrections)
