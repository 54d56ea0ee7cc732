"""What can be done with the audit log: write it and read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
import structlog
from common.pagination import PageRequest
from sqlalchemy.ext.asyncio import AsyncSession

from auth.audit.models import Action, AuditEntry
from auth.device import Device

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class AuditFilter:
    """Which entries to list; None means any."""

    user_id: UUID | None = None
    actor_id: UUID | None = None
    action: Action | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditLog:
    """The log as one request or message sees it: it knows where that came from."""

    def __init__(self, session: AsyncSession, device: Device | None = None) -> None:
        self._session = session
        self.device = device

    def record(
        self, action: Action, *, actor_id: UUID | None, user_id: UUID | None, **details: object
    ) -> None:
        """Note that something has happened, in the transaction in which it does.

        Details are ids and names, never a secret, nor what somebody has typed into a login.
        """
        self._session.add(
            AuditEntry(
                action=action.value,
                actor_id=actor_id,
                user_id=user_id,
                address=self.device.address if self.device else None,
                user_agent=self.device.user_agent if self.device else None,
                details=details,
            )
        )
        logger.info(
            "audit",
            action=action.value,
            actor_id=str(actor_id) if actor_id else None,
            user_id=str(user_id) if user_id else None,
        )

    async def list(
        self, wanted: AuditFilter, request: PageRequest
    ) -> tuple[Sequence[AuditEntry], int]:
        """Return a page of entries, the newest first, and how many there are in all."""
        query = sa.select(AuditEntry)
        if wanted.user_id is not None:
            query = query.where(AuditEntry.user_id == wanted.user_id)
        if wanted.actor_id is not None:
            query = query.where(AuditEntry.actor_id == wanted.actor_id)
        if wanted.action is not None:
            query = query.where(AuditEntry.action == wanted.action.value)
        if wanted.since is not None:
            query = query.where(AuditEntry.at >= wanted.since)
        if wanted.until is not None:
            query = query.where(AuditEntry.at < wanted.until)
        total = await self._session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
        page = await self._session.scalars(
            query.order_by(AuditEntry.id.desc()).limit(request.page_size).offset(request.offset)
        )
        return page.all(), total or 0
