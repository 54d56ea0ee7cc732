"""Hands out work a little at a time, so that it can be decided late whose turn it is.

What lies in a worker's queue is read in that order, whoever comes later. So no more is put there
than the workers take next, and everything else waits in the database. Who comes now waits for
what each worker is at, and not for what others have waiting.
"""

import sqlalchemy as sa
from common import outbox
from common.broker import BrokerUnavailable
from common.database import Sessions, transaction
from common.notified import whenever_notified
from common.outbox import CHANNEL
from common.outbox import outbox as recorded
from common.telemetry import trace_context, tracer
from contracts import DocumentUploaded, Event, OcrPagesRequested, OcrRequested
from sqlalchemy.ext.asyncio import AsyncSession

from documents.base import SOURCE
from documents.jobs import tasks
from documents.jobs.models import Job
from documents.jobs.turns import next_to_open, next_to_read
from documents.jobs.workers import Backlog, Workers

_POLL_SECONDS = 2.0
_PLANS_PER_WORKER = 2
_LOCK = 0x51_75_69_72  # any number that nobody else locks


class Dispatcher:
    """Asks workers to open documents and to read pages, in turn, until it is cancelled.

    Several replicas may run; one at a time decides.
    """

    def __init__(self, database_url: str, sessions: Sessions, workers: Workers) -> None:
        self._database_url = database_url
        self._sessions = sessions
        self._workers = workers

    async def run(self) -> None:
        """Look whenever something has happened: all that happens to a job records an event."""
        await whenever_notified(
            self._database_url,
            CHANNEL,
            self.dispatch,
            at_least_every=_POLL_SECONDS,
            outages=(BrokerUnavailable,),
        )

    async def dispatch(self) -> None:
        """Hand out what the workers can take.

        The broker is asked while the lock is held, and no other: a count from before it would
        miss what another replica has handed out since.
        """
        async with transaction(self._sessions) as session:
            await session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            await self._open(session)
            await self._read(session)

    async def _open(self, session: AsyncSession) -> None:
        sent = await _unsent(session, DocumentUploaded, OcrRequested)
        backlog = await self._workers.plans()
        for _ in range(_room(backlog, sent, each=_PLANS_PER_WORKER)):
            job = await next_to_open(session, workers=max(backlog.workers, 1))
            if job is None:
                return
            job.ask()
            await _record(session, job, tasks.requested(job))

    async def _read(self, session: AsyncSession) -> None:
        sent = await _unsent(session, OcrPagesRequested)
        backlog = await self._workers.pages()
        for _ in range(_room(backlog, sent, each=1)):
            job = await next_to_read(session)
            if job is None:
                return
            run = job.take(workers=max(backlog.workers, 1))
            await _record(session, job, tasks.pages_requested(job, run))


def _room(backlog: Backlog, sent: int, *, each: int) -> int:
    """Return how many more tasks to hand out; without any worker, one lies ready for the first."""
    return max(backlog.workers, 1) * each - backlog.waiting - sent


async def _unsent(session: AsyncSession, *kinds: type[Event]) -> int:
    """Return how many tasks are on their way to the broker."""
    types = [kind.type() for kind in kinds]
    counted = sa.select(sa.func.count()).select_from(recorded).where(recorded.c.type.in_(types))
    return await session.scalar(counted) or 0


async def _record(session: AsyncSession, job: Job, event: Event) -> None:
    with tracer.start_as_current_span("dispatch", context=trace_context(job.trace)):
        await session.flush()
        await outbox.record(session, event, source=SOURCE)
