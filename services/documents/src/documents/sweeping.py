"""Removing objects that belong to nothing: of uploads that were cut off, and of late workers."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
import structlog
from common.s3 import MultipartMissing
from common.storage import Storage, StoredObject
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from documents.base import now
from documents.jobs.models import Job
from documents.models import Document
from documents.uploads.models import Upload

logger = structlog.get_logger(__name__)

_FOLDERS: Mapping[str, Sequence[InstrumentedAttribute[UUID]]] = {
    "originals/": (Document.id, Upload.id),
    "results/": (Job.id,),
    "uploads/": (Upload.id,),
    "tmp/": (),  # what a worker was asked about when we died
}
"""Each followed by the id of what an object belongs to, which is one of these."""

_DAY = timedelta(days=1)


async def sweep(session: AsyncSession, storage: Storage, *, older_than: timedelta = _DAY) -> None:
    """Remove old objects whose document or job does not exist.

    An object comes before its row, so a young one may only be early.
    """
    for folder, identities in _FOLDERS.items():
        async for batch in storage.objects(folder):
            owners = {
                each.key: owner
                for each in batch
                if each.modified < now() - older_than and (owner := _owner(each, folder))
            }
            wanted = set(owners.values())
            living: set[UUID] = set()
            for identity in identities:
                living.update(
                    await session.scalars(sa.select(identity).where(identity.in_(wanted)))
                )
            if orphans := [key for key, owner in owners.items() if owner not in living]:
                await storage.delete_all(orphans)
                logger.info("orphans removed", folder=folder, count=len(orphans))


async def sweep_multiparts(
    session: AsyncSession, storage: Storage, *, older_than: timedelta = _DAY
) -> None:
    """Discard old uploads in parts that nobody will complete: of processes that were killed.

    One that an upload names goes when that expires, however old it is.
    """
    known = set(
        await session.scalars(sa.select(Upload.multipart).where(Upload.multipart.is_not(None)))
    )
    count = 0
    for folder in _FOLDERS:
        async for each in storage.multiparts.unfinished(folder):
            if each.begun < now() - older_than and each.upload not in known:
                with contextlib.suppress(MultipartMissing):
                    await storage.multiparts.abort(each.key, each.upload)
                count += 1
    if count:
        logger.info("unfinished parts removed", count=count)


def _owner(stored: StoredObject, folder: str) -> UUID | None:
    """Return whose object it is; None if it is none of those that we write."""
    try:
        return UUID(stored.key.removeprefix(folder).partition("/")[0])
    except ValueError:
        return None
