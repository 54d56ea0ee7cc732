"""What happens every so often."""

from collections.abc import Mapping
from datetime import timedelta

from common import idempotency
from common.database import Sessions
from common.inbox import forget
from common.periodic import Job
from common.storage import Storage
from sqlalchemy.ext.asyncio import AsyncSession

from documents.jobs.watching import watch
from documents.jobs.workers import Workers
from documents.purging import empty_trash
from documents.search.indexing import forget_words
from documents.sweeping import sweep, sweep_multiparts
from documents.tus.completion import finish_abandoned
from documents.uploads.expiry import forget_expired
from documents.uploads.limits import UploadLimits

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def schedule(
    sessions: Sessions,
    storage: Storage,
    limits: UploadLimits,
    workers: Workers,
    *,
    trash_kept: timedelta,
    silent_after: timedelta,
) -> Mapping[str, Job]:
    """Return the jobs by name."""

    async def forget_inbox(session: AsyncSession) -> None:
        await forget(session, older_than=30 * _DAY)

    async def empty(_: AsyncSession) -> None:
        await empty_trash(sessions, kept=trash_kept)

    async def finish_uploads(_: AsyncSession) -> None:
        await finish_abandoned(sessions, storage, limits)

    async def forget_uploads(_: AsyncSession) -> None:
        await forget_expired(sessions, storage)

    async def sweep_storage(session: AsyncSession) -> None:
        await sweep(session, storage)
        await sweep_multiparts(session, storage)

    async def watch_jobs(session: AsyncSession) -> None:
        await watch(session, workers, silent_after=silent_after)

    return {
        "watch the jobs": Job(_MINUTE / 2, watch_jobs),
        "forget the inbox": Job(_DAY, forget_inbox),
        "forget idempotency keys": Job(_HOUR, idempotency.forget),
        "forget words": Job(_DAY, forget_words),
        "empty the trash": Job(_HOUR, empty),
        "finish abandoned uploads": Job(_MINUTE, finish_uploads),
        "forget uploads": Job(10 * _MINUTE, forget_uploads),
        "sweep the storage": Job(_DAY, sweep_storage),
    }
