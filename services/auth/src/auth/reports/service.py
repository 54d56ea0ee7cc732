"""What can be done with reports: ask for one, look after it, fetch it, make it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from common import outbox
from common.storage import ObjectMissing, Storage
from contracts import ReportRequested
from sqlalchemy.ext.asyncio import AsyncSession

from auth.audit.models import Action
from auth.audit.service import AuditLog
from auth.base import SOURCE, now
from auth.reports.errors import ReportNotFound
from auth.reports.models import Report
from auth.reports.schemas import ReportRequest
from auth.users.models import User

KEPT = timedelta(days=30)


class ReportService:
    """The use cases of reports, but for the making (`maker`)."""

    def __init__(self, session: AsyncSession, audit: AuditLog, storage: Storage) -> None:
        self._session = session
        self._audit = audit
        self._storage = storage

    async def request(self, owner_id: UUID, wanted: ReportRequest) -> Report:
        """Have a report made."""
        report = Report(owner_id=owner_id, since=wanted.since, until=wanted.until, mail=wanted.mail)
        self._session.add(report)
        await self._session.flush()
        await outbox.record(self._session, ReportRequested(report_id=report.id), source=SOURCE)
        self._audit.record(
            Action.REPORT_REQUESTED, actor_id=owner_id, user_id=None, report_id=str(report.id)
        )
        return report

    async def get(self, owner_id: UUID, report_id: UUID) -> Report:
        """Return a report; raises `ReportNotFound`."""
        report = await self._session.get(Report, report_id)
        if report is None or report.owner_id != owner_id:
            raise ReportNotFound
        return report

    async def open(self, owner_id: UUID, report_id: UUID) -> AsyncIterator[bytes]:
        """Open the table; raises `ReportNotFound`, `ReportNotReady`."""
        report = await self.get(owner_id, report_id)
        report.require_completed()
        try:
            return await self._storage.open(report.key)
        except ObjectMissing:  # it is old, and about to be forgotten
            raise ReportNotFound from None


async def forget_old(session: AsyncSession, storage: Storage) -> None:
    """Remove reports that are too old or whose owner is gone, the tables first."""
    ownerless = ~sa.exists().where(User.id == Report.owner_id)
    over = sa.or_(Report.created_at < now() - KEPT, ownerless)
    for report in (await session.scalars(sa.select(Report).where(over))).all():
        await storage.delete(report.key)
        await session.delete(report)
