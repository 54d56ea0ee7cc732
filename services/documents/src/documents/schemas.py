"""What goes over the wire."""

from datetime import datetime
from uuid import UUID

from contracts import Failure
from pydantic import BaseModel, ConfigDict

from documents.models import Status


class DocumentOut(BaseModel):
    """A document as its owner sees it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    user_id: UUID
    title: str
    description: str
    status: str
    filename: str
    file_size: int
    mime_type: str
    file_hash: str
    page_count: int | None
    language: str | None
    job_id: UUID
    progress: int
    error: Failure | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


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


class TextOut(BaseModel):
    """The text of the pages that have been read so far, in their order."""

    document_id: UUID
    text: str
    pages: int
