"""What happens every so often."""

from collections.abc import Mapping
from datetime import timedelta

from common.database import Sessions
from common.inbox import forget
from common.periodic import Job
from common.storage import Storage
from sqlalchemy.ext.asyncio import AsyncSession

from documents.purging import empty_trash
from documents.search.indexing import forget_words
from documents.sweeping import sweep

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def schedule(sessions: Sessions, storage: Storage, *, trash_kept: timedelta) -> Mapping[str, Job]:
    """Return the jobs by name."""

    async def forget_inbox(session: AsyncSession) -> None:
        await forget(session, older_than=30 * _DAY)

    async def empty(_: AsyncSession) -> None:
        await empty_trash(sessions, kept=trash_kept)

    async def sweep_storage(session: AsyncSession) -> None:
        await sweep(session, storage)

    return {
        "forget the inbox": Job(_DAY, forget_inbox),
        "forget words": Job(_DAY, forget_words),
        "empty the trash": Job(_HOUR, empty),
        "sweep the storage": Job(_DAY, sweep_storage),
    }
