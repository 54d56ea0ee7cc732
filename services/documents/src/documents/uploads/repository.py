"""The queries of uploads that take several requests."""

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from documents.base import now
from documents.uploads.errors import UploadBusy, UploadExpired, UploadNotFound
from documents.uploads.models import Kind, Upload

# The clock of the database: those of the replicas may differ.
_NOW = sa.func.clock_timestamp()
_IS_FREE = sa.or_(Upload.leased_until.is_(None), Upload.leased_until < _NOW)


class UploadRepository:
    """Finds and keeps uploads in one session; never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(
        self, upload_id: UUID, *, owner_id: UUID, kind: Kind, lock: bool = False
    ) -> Upload:
        """Return an upload of this owner and kind; raises `UploadNotFound`, `UploadExpired`.

        Locked, it changes no more until this transaction ends.
        """
        wanted = sa.select(Upload).where(
            Upload.id == upload_id, Upload.user_id == owner_id, Upload.kind == kind
        )
        if lock:
            wanted = wanted.with_for_update()
        upload = await self._session.scalar(wanted)
        if upload is None:
            raise UploadNotFound
        if upload.expires_at <= now():
            raise UploadExpired
        return upload

    async def lock(self, upload_id: UUID) -> Upload:
        """Return an upload that changes no more, expired or not; raises `UploadNotFound`."""
        upload = await self._session.get(Upload, upload_id, with_for_update=True)
        if upload is None:
            raise UploadNotFound
        return upload

    async def remove(self, upload: Upload) -> None:
        """Remove a locked upload with its parts; raises `UploadBusy` while it is completed."""
        free = sa.select(Upload.id).where(Upload.id == upload.id, _IS_FREE)
        if await self._session.scalar(free) is None:
            raise UploadBusy
        await self._session.execute(sa.delete(Upload).where(Upload.id == upload.id))

    async def remove_expired(self, before: datetime) -> Upload | None:
        """Remove some expired upload on which nobody works, and return what it was."""
        upload = await self._session.scalar(
            sa.select(Upload)
            .where(Upload.expires_at <= before, _IS_FREE)
            .order_by(Upload.expires_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if upload is not None:
            await self._session.execute(sa.delete(Upload).where(Upload.id == upload.id))
        return upload

    async def expire_all(self, owner_id: UUID) -> None:
        """Let every upload of this owner have expired."""
        mine = sa.update(Upload).where(Upload.user_id == owner_id)
        await self._session.execute(mine.values(expires_at=_NOW))

    async def take(self, upload_id: UUID, *, lease: timedelta) -> int | None:
        """Take the lease and return its fence; None if somebody has it."""
        fence: int | None = await self._session.scalar(
            sa.update(Upload)
            .where(Upload.id == upload_id, _IS_FREE)
            .values(fence=Upload.fence + 1, leased_until=_NOW + lease)
            .returning(Upload.fence)
        )
        return fence

    async def renew(self, upload_id: UUID, fence: int, *, lease: timedelta) -> None:
        """Renew the lease, unless it was lost; by no time at all it is let go."""
        mine = sa.update(Upload).where(Upload.id == upload_id, Upload.fence == fence)
        await self._session.execute(mine.values(leased_until=_NOW + lease))
