"""Making a report, in the worker: in short transactions, so that its progress can be seen."""

from collections.abc import AsyncIterator
from uuid import UUID

import structlog
from common import outbox
from common.database import Sessions, transaction
from common.envelope import Envelope
from common.storage import Storage
from contracts import Event, Failure, ReportCompleted, ReportProgress, ReportRequested
from sqlalchemy.ext.asyncio import AsyncSession

from auth.base import SOURCE
from auth.reports.models import Report
from auth.reports.table import Table
from auth.users.models import User

logger = structlog.get_logger(__name__)

_FAILURE = Failure(
    type="urn:quire:problem:report-failed", title="The report could not be made; ask for it again"
)


class ReportMaker:
    """Makes reports; one that is made again, for the event came twice, ends as it was."""

    def __init__(self, sessions: Sessions, storage: Storage) -> None:
        self._sessions = sessions
        self._storage = storage

    async def make(self, event: ReportRequested, _: Envelope) -> None:
        """Write the table into the object storage, and announce it."""
        async with self._sessions() as session:
            report = await session.get(Report, event.report_id)
        if report is None or report.is_over:
            logger.info("no report to make", report_id=str(event.report_id))
            return
        table = Table(self._sessions, report)
        await self._storage.put_stream(
            report.key, self._watched(table, report.id), content_type="text/csv"
        )
        async with transaction(self._sessions) as session:
            made = await _lock(session, report.id)
            if made is not None and made.complete(rows=table.rows):
                await _announce(session, made)

    async def give_up(self, event: Event, _: Exception) -> None:
        """Say so when a report cannot be made however often it is tried."""
        if isinstance(event, ReportRequested):
            async with transaction(self._sessions) as session:
                report = await _lock(session, event.report_id)
                if report is not None and report.fail(_FAILURE):
                    await _announce(session, report)

    async def _watched(self, table: Table, report_id: UUID) -> AsyncIterator[bytes]:
        expected = max(await table.count(), 1)
        async for lines in table.lines():
            yield lines
            async with transaction(self._sessions) as session:
                report = await _lock(session, report_id)
                if report is not None and report.advance(100 * table.rows // expected):
                    event = ReportProgress(
                        report_id=report.id, owner_id=report.owner_id, progress=report.progress
                    )
                    await outbox.record(session, event, source=SOURCE)


async def _lock(session: AsyncSession, report_id: UUID) -> Report | None:
    return await session.get(Report, report_id, with_for_update=True)


async def _announce(session: AsyncSession, report: Report) -> None:
    owner = await session.get(User, report.owner_id) if report.mail else None
    event = ReportCompleted(
        report_id=report.id,
        owner_id=report.owner_id,
        rows=report.rows,
        error=Failure.model_validate(report.error) if report.error else None,
        recipient=owner.recipient if owner else None,
    )
    await outbox.record(session, event, source=SOURCE)
