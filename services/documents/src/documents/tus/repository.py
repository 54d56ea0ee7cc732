"""The queries of resumable uploads; whoever holds a lease writes by its fence."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from documents.tus.errors import UploadTakenOver
from documents.uploads.models import Kind, Upload, UploadPart, UploadStatus
from documents.uploads.repository import UploadRepository

# The clock of the database: those of the replicas may differ.
_NOW = sa.func.clock_timestamp()
_IS_FREE = sa.or_(Upload.leased_until.is_(None), Upload.leased_until < _NOW)
_QUIETLY = {"synchronize_session": False}


class TusRepository:
    """Finds and keeps resumable uploads in one session; never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, upload_id: UUID, *, owner_id: UUID) -> Upload:
        """Return an upload of this owner; raises `UploadNotFound`, `UploadExpired`."""
        return await UploadRepository(self._session).get(
            upload_id, owner_id=owner_id, kind=Kind.TUS
        )

    async def abandoned(self, *, limit: int) -> Sequence[Upload]:
        """Return uploads whose bytes are all there, and which nobody is finishing."""
        found = await self._session.scalars(
            sa.select(Upload)
            .where(
                Upload.kind == Kind.TUS,
                Upload.status == UploadStatus.OPEN,
                Upload.received == Upload.length,
                _IS_FREE,
            )
            .order_by(Upload.expires_at)
            .limit(limit)
        )
        return found.all()

    async def take(self, upload_id: UUID, *, lease: timedelta) -> Upload | None:
        """Take the lease with a new fence; None if somebody has it, who will see us waiting."""
        taken = await self._session.scalar(
            sa.update(Upload)
            .where(Upload.id == upload_id, _IS_FREE)
            .values(fence=Upload.fence + 1, leased_until=_NOW + lease, wanted=False)
            .returning(Upload)
            .execution_options(**_QUIETLY, populate_existing=True)
        )
        if taken is None:
            await self._session.execute(
                sa.update(Upload)
                .where(Upload.id == upload_id, ~Upload.wanted)
                .values(wanted=True)
                .execution_options(**_QUIETLY)
            )
        return taken

    async def renew(self, upload_id: UUID, fence: int, *, lease: timedelta) -> bool | None:
        """Renew a lease; tell whether somebody waits for it, and by None that it was lost."""
        wanted: bool | None = await self._session.scalar(
            sa.update(Upload)
            .where(Upload.id == upload_id, Upload.fence == fence)
            .values(leased_until=_NOW + lease)
            .returning(Upload.wanted)
            .execution_options(**_QUIETLY)
        )
        return wanted

    async def change(self, upload_id: UUID, fence: int, **values: Any) -> Upload:
        """Write something down about an upload; raises `UploadTakenOver` if it is another's now."""
        changed = await self._session.scalar(
            sa.update(Upload)
            .where(Upload.id == upload_id, Upload.fence == fence)
            .values(**values)
            .returning(Upload)
            .execution_options(**_QUIETLY, populate_existing=True)
        )
        if changed is None:
            raise UploadTakenOver
        return changed

    async def remove(self, upload_id: UUID, fence: int) -> None:
        """Remove an upload with its parts; raises `UploadTakenOver` if it is another's now."""
        removed = await self._session.scalar(
            sa.delete(Upload)
            .where(Upload.id == upload_id, Upload.fence == fence)
            .returning(Upload.id)
            .execution_options(**_QUIETLY)
        )
        if removed is None:
            raise UploadTakenOver

    async def add_parts(self, parts: Sequence[UploadPart]) -> None:
        """Insert parts."""
        self._session.add_all(parts)
        await self._session.flush()

    async def parts(self, upload_id: UUID) -> Sequence[UploadPart]:
        """Return the parts in their order."""
        found = await self._session.scalars(
            sa.select(UploadPart)
            .where(UploadPart.upload_id == upload_id)
            .order_by(UploadPart.number)
        )
        return found.all()

    async def size_of_parts(self, upload_id: UUID) -> int:
        """Return how many bytes the parts have together."""
        total = await self._session.scalar(
            sa.select(sa.func.coalesce(sa.func.sum(UploadPart.size), 0)).where(
                UploadPart.upload_id == upload_id
            )
        )
        return int(total or 0)

    async def forget_parts(self, upload_id: UUID) -> None:
        """Remove the parts, once they are one object."""
        await self._session.execute(
            sa.delete(UploadPart).where(UploadPart.upload_id == upload_id),
            execution_options=_QUIETLY,
        )
