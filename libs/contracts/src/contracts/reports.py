"""The events of reports, in the order in which a report meets them."""

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.accounts import Recipient
from contracts.base import Event
from contracts.reading import Failure


class ReportRequested(Event):
    """A report wants to be made."""

    name: ClassVar[str] = "report.requested"

    report_id: UUID


class ReportProgress(Event):
    """How far a report is; it never falls."""

    name: ClassVar[str] = "report.progress"

    report_id: UUID
    owner_id: UUID
    progress: int = Field(ge=0, le=100, description="Per cent.")


class ReportCompleted(Event):
    """A report can be downloaded, or could not be made."""

    name: ClassVar[str] = "report.completed"

    report_id: UUID
    owner_id: UUID
    rows: int = Field(default=0, ge=0)
    error: Failure | None = None
    recipient: Recipient | None = Field(default=None, description="Who wants a mail about it.")
