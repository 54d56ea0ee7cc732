"""Reports, and the rules of their life."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from contracts import Failure
from sqlalchemy.orm import Mapped, mapped_column

from auth.base import Base, now
from auth.reports.errors import ReportNotReady


class ReportStatus(StrEnum):
    """Where a report is in its life."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class Report(Base):
    """A report on what users did in a period."""

    __tablename__ = "reports"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    owner_id: Mapped[UUID]
    """Without a foreign key: the row outlives its owner until the table has been removed."""
    since: Mapped[datetime]
    until: Mapped[datetime]
    mail: Mapped[bool]
    status: Mapped[str] = mapped_column(default=ReportStatus.QUEUED.value)
    progress: Mapped[int] = mapped_column(default=0)
    rows: Mapped[int] = mapped_column(default=0)
    error: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)
    completed_at: Mapped[datetime | None]

    @property
    def key(self) -> str:
        """Where the table lies in the object storage."""
        return f"reports/{self.id}.csv"

    @property
    def is_over(self) -> bool:
        """Whether nothing will change about it any more."""
        return self.status in (ReportStatus.COMPLETED, ReportStatus.FAILED)

    def advance(self, progress: int) -> bool:
        """Note how far it is; tell whether that is news."""
        progress = min(progress, 99)
        if self.is_over or progress <= self.progress:
            return False
        self.status, self.progress = ReportStatus.PROCESSING.value, progress
        return True

    def complete(self, *, rows: int) -> bool:
        """Note that the table is there; tell whether that is news."""
        return self._end(ReportStatus.COMPLETED, rows=rows)

    def fail(self, failure: Failure) -> bool:
        """Note that there will be no table; tell whether that is news."""
        self.error = self.error if self.is_over else failure.model_dump()
        return self._end(ReportStatus.FAILED, rows=0)

    def require_completed(self) -> None:
        """Raise `ReportNotReady` if there is no table."""
        if self.status != ReportStatus.COMPLETED:
            raise ReportNotReady(f"It is {self.status}.")

    def _end(self, status: ReportStatus, *, rows: int) -> bool:
        if self.is_over:
            return False
        self.status, self.progress, self.rows = status.value, 100, rows
        self.completed_at = now()
        return True
