"""What jobs and pages look like over the wire."""

from datetime import datetime
from typing import Self
from uuid import UUID

from common.errors import ProblemDocument
from contracts import Failure
from pydantic import BaseModel, ConfigDict, Field

from documents.fields import Backend, Input, Language, Password
from documents.jobs.extraction import ExtractedData
from documents.jobs.models import Job, Status


class ReadingConfig(Input):
    """How a document is read."""

    force_ocr: bool = Field(
        default=False, description="Disregard the text layers of a PDF and recognise every page."
    )


class ReadingRequest(Input):
    """With what, in which language and how documents are read."""

    backend: Backend | None = None
    language: Language | None = None
    password: Password | None = None
    config: ReadingConfig = ReadingConfig()


class ProcessRequest(ReadingRequest):
    """Which document is to be read once more."""

    document_id: UUID


class BatchRequest(ReadingRequest):
    """Which documents are to be read once more, when nobody waits for others."""

    document_ids: list[UUID] = Field(min_length=1, max_length=100)


class BatchError(BaseModel):
    """Why a document of a batch is not read."""

    document_id: UUID
    error: ProblemDocument


class BatchOut(BaseModel):
    """What has become of a batch."""

    total: int
    successful: int
    failed: int
    job_ids: list[UUID]
    errors: list[BatchError]


class JobOut(BaseModel):
    """The reading of a document, and how far it is."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    document_id: UUID
    backend: str | None
    language: str | None
    status: Status
    progress: int
    pages_total: int | None
    pages_done: int
    pages_failed: int
    queue_position: int | None = Field(
        default=None,
        description="How many jobs that came earlier have pages to read, and this one; null in "
        "lists, and when it waits for nothing. Short documents and other users may overtake.",
    )
    attempts: int
    error: Failure | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    processing_time_ms: int | None

    @classmethod
    def of(cls, job: Job, queue_position: int | None = None) -> Self:
        """Show a job."""
        return cls.model_validate(job).model_copy(update={"queue_position": queue_position})


class PageOut(BaseModel):
    """A page that has been reported: where its text came from, or why there is none."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    source: str
    chars: int
    confidence: float | None
    error: Failure | None


class ResultOut(BaseModel):
    """What has come out of a job so far."""

    job_id: UUID
    document_id: UUID
    status: Status
    extracted_text: str
    confidence_score: float | None = Field(
        description="How sure the reader is, over all characters, from 0 to 1."
    )
    language: str | None = Field(description="In which it is written, ISO 639-1.")
    extracted_data: ExtractedData | None
    pages: list[PageOut]
