"""What has come out of a job: the text, the pages, and what the document says in fields."""

from uuid import UUID

from common.database import Sessions, transaction
from common.storage import Storage

from documents.jobs.extraction import Corrections, ExtractedData
from documents.jobs.models import Job
from documents.jobs.repository import JobRepository
from documents.jobs.schemas import PageOut, ResultOut
from documents.results import read_text


class ResultService:
    """The use cases of results; no connection is held while the storage is asked."""

    def __init__(self, sessions: Sessions, storage: Storage) -> None:
        self._sessions = sessions
        self._storage = storage

    async def get(self, owner_id: UUID, job_id: UUID) -> ResultOut:
        """Return what has been read so far; raises `JobNotFound`."""
        async with self._sessions() as session:
            jobs = JobRepository(session)
            job = await jobs.get(job_id, owner_id=owner_id)
            pages = await jobs.pages(job.id)
        read = [page for page in pages if page.was_read]
        chars = sum(page.chars for page in read)
        sure = sum((page.confidence or 0) * page.chars for page in read)
        data = shown(job)
        return ResultOut(
            job_id=job.id,
            document_id=job.document_id,
            status=job.status,
            extracted_text=await read_text(self._storage, read),
            confidence_score=round(sure / chars, 4) if chars else None,
            language=data.language if data else None,
            extracted_data=data,
            pages=[PageOut.model_validate(page) for page in pages],
        )

    async def correct(self, owner_id: UUID, job_id: UUID, corrections: Corrections) -> ResultOut:
        """Put right what was understood; raises `JobNotFound`."""
        async with transaction(self._sessions) as session:
            job = await JobRepository(session).get(job_id, owner_id=owner_id, lock=True)
            earlier = Corrections.model_validate(job.corrections or {})
            job.corrections = corrections.after(earlier).model_dump(mode="json")
        return await self.get(owner_id, job_id)


def shown(job: Job) -> ExtractedData | None:
    """Return what is known of a job's document, with what its owner has put right."""
    if job.understanding is None and job.corrections is None:
        return None
    data = ExtractedData.model_validate(job.understanding or {})
    return data.corrected(Corrections.model_validate(job.corrections or {}))
