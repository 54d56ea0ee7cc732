"""The events, in the order in which a document meets them.

A contract changes by a new field with a default, or by a new version beside the old one; the
golden samples in the tests make any other change fail.
"""

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.base import Event


class Failure(BaseModel):
    """Why something failed, in the words of RFC 9457: a stable type, a title, a detail."""

    model_config = ConfigDict(frozen=True)

    type: str
    title: str
    detail: str = ""


class PageSource(StrEnum):
    """Where the text of a page came from."""

    TEXT_LAYER = "text_layer"
    OCR = "ocr"
    BLANK = "blank"


class DocumentUploaded(Event):
    """A file is stored and wants to be read."""

    name: ClassVar[str] = "document.uploaded"

    document_id: UUID
    owner_id: UUID
    job_id: UUID
    object_key: str
    mime_type: str
    file_size: int = Field(ge=0, description="Bytes.")
    language: str | None = None


class OcrStarted(Event):
    """The document could be opened; so many pages will be reported."""

    name: ClassVar[str] = "ocr.started"

    document_id: UUID
    job_id: UUID
    pages: int = Field(ge=1)


class OcrRejected(Event):
    """The document cannot be opened at all; no page will be reported."""

    name: ClassVar[str] = "ocr.rejected"

    document_id: UUID
    job_id: UUID
    error: Failure


class OcrPagesRequested(Event):
    """A run of pages of one document is to be read by whichever worker is free."""

    name: ClassVar[str] = "ocr.pages.requested"

    document_id: UUID
    job_id: UUID
    object_key: str
    mime_type: str
    language: str | None = None
    first: int = Field(ge=1)
    last: int = Field(ge=1, description="Included.")


class OcrPageCompleted(Event):
    """A page was read; its words lie in object storage."""

    name: ClassVar[str] = "ocr.page.completed"

    document_id: UUID
    job_id: UUID
    page: int = Field(ge=1)
    source: PageSource
    chars: int = Field(ge=0)
    confidence: float = Field(ge=0, le=1)
    result_key: str


class OcrPageFailed(Event):
    """A page could not be read; the others are not affected."""

    name: ClassVar[str] = "ocr.page.failed"

    document_id: UUID
    job_id: UUID
    page: int = Field(ge=1)
    error: Failure


class OcrProgress(Event):
    """How far a job is; within one job `progress` never falls."""

    name: ClassVar[str] = "ocr.progress"

    document_id: UUID
    owner_id: UUID
    job_id: UUID
    status: str
    progress: int = Field(ge=0, le=100, description="Per cent.")
    page: int | None = Field(default=None, description="The page that was reported last.")
    pages_done: int = Field(ge=0)
    pages_total: int | None = None


class OcrCompleted(Event):
    """A job has ended with text; `partial` when `missing_pages` could not be read."""

    name: ClassVar[str] = "ocr.completed"

    document_id: UUID
    owner_id: UUID
    job_id: UUID
    pages: int
    partial: bool = False
    missing_pages: tuple[int, ...] = ()


class OcrFailed(Event):
    """A job has ended without any text."""

    name: ClassVar[str] = "ocr.failed"

    document_id: UUID
    owner_id: UUID
    job_id: UUID
    error: Failure


class DocumentDeleted(Event):
    """Its owner no longer wants to see the document."""

    name: ClassVar[str] = "document.deleted"

    document_id: UUID
    owner_id: UUID


class DocumentUpdated(Event):
    """Its owner has said something else about the document."""

    name: ClassVar[str] = "document.updated"

    document_id: UUID
    owner_id: UUID
    changed: tuple[str, ...] = Field(description="The fields that are no longer as they were.")


class DocumentRestored(Event):
    """Its owner wants to see the document again after all."""

    name: ClassVar[str] = "document.restored"

    document_id: UUID
    owner_id: UUID


class DocumentPurged(Event):
    """The document is gone for good; what object storage still has of it is to be removed."""

    name: ClassVar[str] = "document.purged"

    document_id: UUID
    owner_id: UUID
    object_key: str
    job_ids: tuple[UUID, ...] = Field(description="Whose results are to go with it.")
