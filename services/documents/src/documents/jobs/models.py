"""Jobs and pages, and the rules of a job's life.

Events arrive at least once and in no promised order, so every rule here can be applied again,
or late, without harm: what has ended stays as it ended.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from common.telemetry import trace_headers
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from documents.base import Base, now
from documents.jobs import runs
from documents.jobs.errors import NothingToRetry
from documents.jobs.runs import Run

if TYPE_CHECKING:
    from documents.models import Document


class Status(StrEnum):
    """Where a job stands; a document shows the status of its job."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Urgency(IntEnum):
    """Whose pages are read first, whatever else is fair."""

    LATER = 0
    """Of many documents that somebody wants to have read again."""
    SOON = 1
    """Somebody may be waiting for it."""


ENDED = frozenset({Status.COMPLETED, Status.PARTIAL, Status.FAILED, Status.CANCELLED})
FAILED = "failed"
"""The source of a page that could not be read."""
_RETRYABLE = frozenset({Status.PARTIAL, Status.FAILED, Status.CANCELLED})


class Job(Base):
    """The reading of one document: how many pages there are, and how many have been reported.

    A job may be tried again; what its workers say names the attempt that they were asked in.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        sa.Index(
            "uq_jobs_document_id_current",
            "document_id",
            unique=True,
            postgresql_where=sa.text("current"),
        ),
        sa.Index("ix_jobs_user_id_created_at", "user_id", "created_at", "id"),
        sa.Index(
            "ix_jobs_waiting",
            "user_id",
            sa.text("urgency DESC"),
            "created_at",
            postgresql_where=sa.text("status = 'queued' AND asked_at IS NULL AND NOT held"),
        ),
        sa.Index(
            "ix_jobs_begun",
            "user_id",
            postgresql_where=sa.text("status IN ('queued', 'processing') AND asked_at IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    document_id: Mapped[UUID] = mapped_column(sa.ForeignKey("documents.id"), index=True)
    user_id: Mapped[UUID]
    """The document's owner, here as well: whose turn it is, is asked for every few pages."""
    current: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    """Whether it is the document's last job, the one that the document shows."""
    status: Mapped[Status] = mapped_column(
        sa.Enum(Status, native_enum=False, length=20, values_callable=list)
    )
    attempts: Mapped[int] = mapped_column(default=1, server_default="1")
    urgency: Mapped[Urgency] = mapped_column(
        sa.SmallInteger, default=Urgency.SOON, server_default="1"
    )
    held: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    """Whether it is to wait until its owner asks for it."""
    backend: Mapped[str | None]
    language: Mapped[str | None]
    force_ocr: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    sealed_password: Mapped[str | None]
    """What opens the document, encrypted for the workers: they draw its pages later on, too."""
    pages_total: Mapped[int | None]
    pages_done: Mapped[int] = mapped_column(default=0)
    pages_failed: Mapped[int] = mapped_column(default=0)
    todo: Mapped[list[Run]] = mapped_column(JSONB, default=list, server_default="[]")
    """The pages that no worker has been asked for yet."""
    in_flight: Mapped[int] = mapped_column(default=0, server_default="0")
    """How many pages workers have been asked for and have not reported."""
    page_ms: Mapped[float | None] = mapped_column(sa.Double)
    """What a page has taken lately."""
    asked_at: Mapped[datetime | None]
    """When a worker was asked to open the document."""
    heard_at: Mapped[datetime | None]
    """When a worker was last heard of."""
    revivals: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often it fell silent and was asked for again."""
    error: Mapped[dict[str, Any] | None]
    understanding: Mapped[dict[str, Any] | None]
    """Of what type the document is and what its fields say, as the worker understood it."""
    corrections: Mapped[dict[str, Any] | None]
    """What the owner has put right of it."""
    outputs: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    """The names of the objects that were made of the whole document."""
    output_failures: Mapped[dict[str, Any]] = mapped_column(
        JSONB, default=dict, server_default="{}"
    )
    """Why an output is missing."""
    trace: Mapped[dict[str, Any]] = mapped_column(JSONB, default=trace_headers, server_default="{}")
    """The trace context of the request that led to it, for all that is done in its turn."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]

    document: Mapped["Document"] = relationship(back_populates="job", lazy="joined", innerjoin=True)

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in ENDED

    @property
    def progress(self) -> int:
        """Per cent of the pages that have been reported; 100 only when the job has ended well."""
        if self.status in (Status.COMPLETED, Status.PARTIAL):
            return 100
        if not self.pages_total:
            return 0
        return min(99, 100 * (self.pages_done + self.pages_failed) // self.pages_total)

    @property
    def processing_time_ms(self) -> int | None:
        """From the start to the end, once there is one."""
        if self.started_at is None or self.completed_at is None:
            return None
        return int((self.completed_at - self.started_at).total_seconds() * 1000)

    def ask(self) -> None:
        """Note that a worker is asked to open the document."""
        self.asked_at = self.heard_at = now()

    def start(self, pages: int) -> None:
        """Note how many pages there are."""
        if self.status is not Status.QUEUED:
            return
        self.status = Status.PROCESSING
        self.started_at = now()
        self.pages_total = pages
        self.todo = [(1, pages)]
        self.heard_at = now()

    def take(self, *, workers: int) -> Run:
        """Return the pages to ask a worker for next; there must be some."""
        left = runs.count(self.todo)
        most = runs.task_pages(left, page_ms=self.page_ms, workers=workers)
        run, self.todo = runs.take(self.todo, most)
        self.in_flight += runs.count([run])
        self.heard_at = now()
        return run

    def count(self, page: "Page", before: "Page | None", *, ms: float | None = None) -> bool:
        """Count a reported page and tell whether that changed anything.

        `before` is what was known of the page. A page that failed may still turn out well; one
        that was read stays read.
        """
        unknown = self.pages_total is not None and page.number > self.pages_total
        settled = before is not None and (before.was_read or not page.was_read)
        if self.ended or unknown or settled:
            return False
        if before is not None:
            self.pages_failed -= 1
        if page.was_read:
            self.pages_done += 1
        else:
            self.pages_failed += 1
        self.in_flight = max(self.in_flight - 1, 0)
        self.heard_at = now()
        if ms is not None:
            self.page_ms = ms if self.page_ms is None else 0.7 * self.page_ms + 0.3 * ms
        return True

    @property
    def all_reported(self) -> bool:
        """Whether every page has been reported, one way or the other."""
        return self.pages_total is not None and (
            self.pages_done + self.pages_failed >= self.pages_total
        )

    def revive(self, unread: Sequence[int]) -> None:
        """Begin again with what no worker has reported, because none has been heard of."""
        self.revivals += 1
        self.heard_at = now()
        self.in_flight = 0
        if self.status is Status.QUEUED:
            self.asked_at = None
        else:
            self.todo = runs.of(unread)

    def retry(self, unread: Sequence[int]) -> None:
        """Try again what has not been read; raises `NothingToRetry`."""
        if self.status not in _RETRYABLE:
            raise NothingToRetry(f"The job is {self.status.value}.")
        self.attempts += 1
        self.revivals = self.in_flight = self.pages_failed = 0
        self.error = self.completed_at = None
        self.held = False
        self.urgency = Urgency.SOON
        self.todo = runs.of(unread)
        self.status = Status.PROCESSING if self.pages_total else Status.QUEUED
        self.asked_at = None if self.status is Status.QUEUED else self.asked_at
        self.started_at = self.heard_at = now()

    def finish(self) -> None:
        """End well: completed, or partial when pages are missing."""
        self._end(Status.PARTIAL if self.pages_failed else Status.COMPLETED)

    def fail(self, error: dict[str, Any]) -> None:
        """End without text, for a named reason."""
        self.error = error
        self._end(Status.FAILED)

    def cancel(self) -> bool:
        """End because nobody wants the result any more; tell whether it had not ended yet."""
        if self.ended:
            return False
        self._end(Status.CANCELLED)
        return True

    def _end(self, status: Status) -> None:
        self.status = status
        self.completed_at = now()
        self.todo = []
        self.in_flight = 0


class Page(Base):
    """One reported page of a job: where its words lie, or why there are none."""

    __tablename__ = "pages"

    job_id: Mapped[UUID] = mapped_column(sa.ForeignKey("jobs.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str]
    chars: Mapped[int] = mapped_column(default=0)
    confidence: Mapped[float | None]
    result_key: Mapped[str | None]
    error: Mapped[dict[str, Any] | None]

    @property
    def was_read(self) -> bool:
        """Whether there is text (which may be empty) rather than an error."""
        return self.error is None
