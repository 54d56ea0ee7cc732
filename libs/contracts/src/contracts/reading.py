"""The reading of documents, in the order in which its events come."""

from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.base import Event

PLANS_QUEUE = "ocr-worker"
"""Where workers take documents from, to open them and count their pages."""
PAGES_QUEUE = "ocr-worker.pages"
"""Where workers take pages from, to read them. Both are named here for who shares work out."""


def result_key(job_id: UUID, page: int) -> str:
    """Return where a worker leaves what it has read on a page, as JSON."""
    return f"results/{job_id}/{page}.json"


def output_key(job_id: UUID, name: str) -> str:
    """Return where a worker leaves what it has made of the whole document."""
    return f"results/{job_id}/{name}"


def cancelled_key(job_id: UUID, attempt: int) -> str:
    """Return where word is left for the workers that nobody wants an attempt's results."""
    return f"results/{job_id}/cancelled-{attempt}"


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


class ReadingTask(BaseModel):
    """What every task about a document's bytes says: where they lie, and how they are read."""

    document_id: UUID
    job_id: UUID
    attempt: int = Field(default=1, ge=1, description="How often the job has been begun.")
    object_key: str
    mime_type: str
    language: str | None = Field(default=None, description="ISO 639, joined by `+`; or `auto`.")
    backend: str | None = None
    force_ocr: bool = Field(default=False, description="Whether text layers are disregarded.")
    sealed_password: str | None = Field(
        default=None, description="What opens the document, encrypted for the workers."
    )


class OcrRequested(Event, ReadingTask):
    """A document is to be read: once more, or when its owner's others have been begun."""

    name: ClassVar[str] = "ocr.requested"

    owner_id: UUID


class OcrStarted(Event):
    """The document could be opened; so many pages will be reported."""

    name: ClassVar[str] = "ocr.started"

    document_id: UUID
    job_id: UUID
    attempt: int = Field(default=1, ge=1)
    pages: int = Field(ge=1)


class OcrRejected(Event):
    """The document cannot be opened at all; no page will be reported."""

    name: ClassVar[str] = "ocr.rejected"

    document_id: UUID
    job_id: UUID
    attempt: int = Field(default=1, ge=1)
    error: Failure


class OcrPagesRequested(Event, ReadingTask):
    """A run of pages of one document is to be read by whichever worker is free."""

    name: ClassVar[str] = "ocr.pages.requested"

    first: int = Field(ge=1)
    last: int = Field(ge=1, description="Included.")


class OcrPageCompleted(Event):
    """A page was read; its words lie in object storage."""

    name: ClassVar[str] = "ocr.page.completed"

    document_id: UUID
    job_id: UUID
    attempt: int = Field(default=1, ge=1)
    page: int = Field(ge=1)
    source: PageSource
    chars: int = Field(ge=0)
    confidence: float = Field(ge=0, le=1)
    result_key: str
    ms: float | None = Field(default=None, ge=0, description="How long it took.")


class OcrPageFailed(Event):
    """A page could not be read; the others are not affected."""

    name: ClassVar[str] = "ocr.page.failed"

    document_id: UUID
    job_id: UUID
    attempt: int = Field(default=1, ge=1)
    page: int = Field(ge=1)
    error: Failure


class OcrAssemblyRequested(Event, ReadingTask):
    """Every page has been reported; what is made of the whole document can be made."""

    name: ClassVar[str] = "ocr.assembly.requested"

    pages: int = Field(ge=1)
    missing_pages: tuple[int, ...] = ()


class OcrAssembled(Event):
    """What could be made of the whole document lies in object storage."""

    name: ClassVar[str] = "ocr.assembled"

    document_id: UUID
    job_id: UUID
    attempt: int = Field(default=1, ge=1)
    outputs: tuple[str, ...] = Field(description="The names of the objects that were made.")
    understanding: dict[str, Any] | None = Field(
        default=None, description="Of what type the document is, and what its fields say."
    )
    failures: dict[str, Failure] = Field(
        default_factory=dict, description="Why an output is missing, by its name."
    )


class OcrProgress(Event):
    """How far a job is; within one attempt at it `progress` never falls."""

    name: ClassVar[str] = "ocr.progress"

    document_id: UUID
    owner_id: UUID
    job_id: UUID
    attempt: int = Field(default=1, ge=1)
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
    attempt: int = Field(default=1, ge=1)
    pages: int
    partial: bool = False
    missing_pages: tuple[int, ...] = ()


class OcrFailed(Event):
    """A job has ended without any text."""

    name: ClassVar[str] = "ocr.failed"

    document_id: UUID
    owner_id: UUID
    job_id: UUID
    attempt: int = Field(default=1, ge=1)
    error: Failure


class OcrCancelled(Event):
    """A job has ended because nobody wants its result any more."""

    name: ClassVar[str] = "ocr.cancelled"

    document_id: UUID
    owner_id: UUID
    job_id: UUID
    attempt: int = Field(default=1, ge=1)
