"""Jobs and pages, and the rules of a job's life.

Events arrive at least once and in no promised order, so every rule here can be applied again,
or late, without harm: what has ended stays as it ended.
"""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from documents.base import Base, now

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


ENDED = frozenset({Status.COMPLETED, Status.PARTIAL, Status.FAILED, Status.CANCELLED})


class Job(Base):
    """The reading of one document: how many pages there are, and how many have been reported."""

    __tablename__ = "jobs"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    document_id: Mapped[UUID] = mapped_column(sa.ForeignKey("documents.id"), unique=True)
    status: Mapped[Status] = mapped_column(
        sa.Enum(
            Status, native_enum=False, length=20, values_callable=lambda e: [s.value for s in e]
        )
    )
    pages_total: Mapped[int | None]
    pages_done: Mapped[int] = mapped_column(default=0)
    pages_failed: Mapped[int] = mapped_column(default=0)
    error: Mapped[dict[str, Any] | None]
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

    def start(self, pages: int) -> None:
        """Note how many pages there are."""
        if self.ended:
            return
        self.status = Status.PROCESSING
        self.started_at = self.started_at or now()
        self.pages_total = pages

    def count(self, page: "Page", before: "Page | None") -> bool:
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
        return True

    @property
    def all_reported(self) -> bool:
        """Whether every page has been reported, one way or the other."""
        return self.pages_total is not None and (
            self.pages_done + self.pages_failed >= self.pages_total
        )

    def finish(self) -> None:
        """End well: completed, or partial when pages are missing."""
        self._end(Status.PARTIAL if self.pages_failed else Status.COMPLETED)

    def fail(self, error: dict[str, Any]) -> None:
        """End without text, for a named reason."""
        self.error = error
        self._end(Status.FAILED)

    def cancel(self) -> None:
        """End because nobody wants the result any more; what has ended stays as it is."""
        if not self.ended:
            self._end(Status.CANCELLED)

    def _end(self, status: Status) -> None:
        self.status = status
        self.completed_at = now()


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
