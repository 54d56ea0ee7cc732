"""The queries of chunks. Which object counts for a number, its row decides."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from documents.uploads.models import UploadPart


class ChunkRepository:
    """Finds and keeps the chunks of one upload; never commits."""

    def __init__(self, session: AsyncSession, upload_id: UUID) -> None:
        self._session = session
        self._upload_id = upload_id

    async def put(self, number: int, *, size: int, key: str) -> str | None:
        """Let this object count; return the key of the one in whose place it comes."""
        chunk = await self._session.get(UploadPart, (self._upload_id, number))
        if chunk is None:
            chunk = UploadPart(upload_id=self._upload_id, number=number, size=size)
            self._session.add(chunk)
        former, chunk.key = chunk.key, key
        await self._session.flush()
        return former

    async def numbers(self) -> Sequence[int]:
        """Return the numbers of the chunks that are stored."""
        mine = UploadPart.upload_id == self._upload_id
        return (await self._session.scalars(sa.select(UploadPart.number).where(mine))).all()

    async def keys(self) -> Sequence[str]:
        """Return where the chunks lie, in their order."""
        mine = UploadPart.upload_id == self._upload_id
        wanted = sa.select(UploadPart.key).where(mine).order_by(UploadPart.number)
        return [key for key in await self._session.scalars(wanted) if key is not None]
