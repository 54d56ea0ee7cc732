"""The watchdog: a job that nobody has heard of for a while is asked for again, then ended aloud.

Workers report every page or its failure, and the broker keeps what they were asked for; what
reaches nobody all the same (a task that was buried because its worker died over it again and
again) would leave its document `processing` for ever.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from contracts import Failure
from sqlalchemy.ext.asyncio import AsyncSession

from documents.base import now
from documents.jobs.fan_in import FanIn
from documents.jobs.models import Job
from documents.jobs.repository import JobRepository
from documents.jobs.workers import Workers

logger = structlog.get_logger(__name__)

_REVIVALS = 3
_AT_ONCE = 100

STALLED = Failure(
    type="urn:quire:problem:reading-stalled",
    title="Reading the document came to no end",
    detail="No worker was heard of, although it was asked for several times.",
)


async def watch(session: AsyncSession, workers: Workers, *, silent_after: timedelta) -> None:
    """Ask again for what should have been reported long ago.

    While there is no worker at all, silence is no news: the tasks wait in their queues.
    """
    opening, reading = await workers.plans(), await workers.pages()
    if not opening.workers or not reading.workers:
        return
    fan_in, jobs = FanIn(session), JobRepository(session)
    for job in await _silent(session, now() - silent_after):
        logger.warning("job is silent", job_id=str(job.id), revivals=job.revivals)
        if job.revivals >= _REVIVALS:
            await fan_in.fail(job, STALLED)
            continue
        job.revive(await jobs.unreported(job))
        await fan_in.resume(job)


async def _silent(session: AsyncSession, since: datetime) -> Sequence[Job]:
    waits_for_others = sa.and_(Job.todo != sa.text("'[]'"), Job.in_flight == 0)
    found = await session.scalars(
        sa.select(Job)
        .where(
            sa.text("status IN ('queued', 'processing') AND asked_at IS NOT NULL"),
            Job.heard_at < since,
            ~waits_for_others,
        )
        .limit(_AT_ONCE)
        .with_for_update(of=Job, skip_locked=True)
    )
    return found.all()
