"""Jobs over HTTP."""

from uuid import UUID

from common.errors import Forbidden, Unauthorized, Unavailable, problems
from fastapi import APIRouter

from documents.jobs.errors import JobNotFound
from documents.jobs.schemas import JobOut
from documents.resources import Jobs, Reader

router = APIRouter(prefix="/api/v1", responses=problems(Unauthorized, Forbidden, Unavailable))


@router.get("/ocr/jobs/{job_id}", tags=["ocr"], responses=problems(JobNotFound))
async def get_job(job_id: UUID, user: Reader, jobs: Jobs) -> JobOut:
    """Show how far the reading of a document is."""
    return JobOut.model_validate(await jobs.get(user.id, job_id))
