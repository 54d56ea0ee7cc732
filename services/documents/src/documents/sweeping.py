"""Removing objects that belong to nothing: of uploads that were cut off, and of late workers."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
import structlog
from common.storage import Storage, StoredObject
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from documents.base import now
from documents.jobs.models import Job
from documents.models import Document

logger = structlog.get_logger(__name__)

_FOLDERS: Mapping[str, InstrumentedAttribute[UUID]] = {
    "originals/": Document.id,
    "results/": Job.id,
}
"""Each followed by the id of what an object belongs to."""


async def sweep(
    session: AsyncSession, storage: Storage, *, older_than: timedelta = timedelta(days=1)
) -> None:
    """Remove old objects whose document or job does not exist.

    An object comes before its row, so a young one may only be early.
    """
    for folder, identity in _FOLDERS.items():
        async for batch in storage.objects(folder):
            owners = {
                each.key: owner
                for each in batch
                if each.modified < now() - older_than and (owner := _owner(each, folder))
            }
            known = await session.scalars(
                sa.select(identity).where(identity.in_(set(owners.values())))
            )
            living = set(known)
            if orphans := [key for key, owner in owners.items() if owner not in living]:
                await storage.delete_all(orphans)
                logger.info("orphans removed", folder=folder, count=len(orphans))


def _owner(stored: StoredObject, folder: str) -> UUID | None:
    """Return whose object it is; None if it is none of those that we write."""
    try:
        return UUID(stored.key.removeprefix(folder).partition("/")[0])
    except ValueError:
        return None
