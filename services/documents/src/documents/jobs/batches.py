"""Many documents to be read once more: each on its own, all in one transaction."""

from uuid import UUID

from common.errors import Problem, problem_document
from sqlalchemy.ext.asyncio import AsyncSession

from documents.jobs.models import Urgency
from documents.jobs.schemas import BatchError, BatchOut, BatchRequest
from documents.jobs.service import JobService
from documents.repository import DocumentRepository


class BatchService:
    """Has many documents read; what is refused, is refused alone."""

    def __init__(self, session: AsyncSession, jobs: JobService) -> None:
        self._session = session
        self._jobs = jobs
        self._documents = DocumentRepository(session)

    async def process(self, owner_id: UUID, request: BatchRequest) -> BatchOut:
        """Have each of the documents read, when nobody waits for others."""
        wanted = list(dict.fromkeys(request.document_ids))
        await self._documents.lock_jobs(wanted, owner_id=owner_id)
        job_ids: list[UUID] = []
        errors: list[BatchError] = []
        for document_id in sorted(wanted):  # so that two cannot lock crosswise
            try:
                async with self._session.begin_nested():
                    job = await self._jobs.process(
                        owner_id, document_id, request, urgency=Urgency.LATER
                    )
                job_ids.append(job.id)
            except Problem as problem:
                error = problem_document(problem, instance=f"/api/v1/documents/{document_id}")
                errors.append(BatchError(document_id=document_id, error=error))
        return BatchOut(
            total=len(wanted),
            successful=len(job_ids),
            failed=len(errors),
            job_ids=job_ids,
            errors=errors,
        )
