"""What reports look like over the wire."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from auth.reports.models import ReportStatus
from auth.wire import Input, Moment


class ReportRequest(Input):
    """A report on what users did from one moment (included) to another (not included)."""

    since: Moment = Field(alias="from")
    until: Moment = Field(alias="to")
    mail: bool = Field(default=False, description="Whether you want a mail when it is ready.")

    @model_validator(mode="after")
    def _is_a_period(self) -> Self:
        if self.since >= self.until:
            raise PydanticCustomError("no_period", "`from` must be before `to`")
        return self


class ReportOut(BaseModel):
    """A report, and how far it is."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True)

    id: UUID
    status: ReportStatus
    progress: int = Field(description="Per cent.")
    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to")
    rows: int
    error: dict[str, Any] | None
    created_at: datetime
    completed_at: datetime | None
