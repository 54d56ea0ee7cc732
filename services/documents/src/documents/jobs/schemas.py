"""What jobs and pages look like over the wire."""

from datetime import datetime
from uuid import UUID

from contracts import Failure
from pydantic import BaseModel, ConfigDict

from documents.jobs.models import Status


class JobOut(BaseModel):
    """The reading of a document, and how far it is."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    document_id: UUID
    status: Status
    progress: int
    pages_total: int | None
    pages_done: int
    pages_failed: int
    error: Failure | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    processing_time_ms: int | None


class PageOut(BaseModel):
    """A page that has been reported: where its text came from, or why there is none."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    source: str
    chars: int
    confidence: float | None
    error: Failure | None
