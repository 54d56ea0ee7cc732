"""What the audit log looks like over the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends
from pydantic import BaseModel, ConfigDict

from auth.audit.models import Action
from auth.audit.service import AuditFilter
from auth.wire import Moment


class AuditEntryOut(BaseModel):
    """One thing that has happened."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    action: Action
    actor_id: UUID | None
    user_id: UUID | None
    address: str | None
    user_agent: str | None
    details: dict[str, Any]


def _filter(
    user_id: UUID | None = None,
    actor_id: UUID | None = None,
    action: Action | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
) -> AuditFilter:
    return AuditFilter(user_id, actor_id, action, since, until)


AuditQuery = Annotated[AuditFilter, Depends(_filter)]
