"""The queries of what clients have written to the object storage."""

from uuid import UUID

from common.storage import ObjectState
from sqlalchemy.ext.asyncio import AsyncSession

from documents.uploads.models import UploadPart

_THE_FILE = 1


class WrittenFileRepository:
    """Remembers which bytes of one upload count; never commits."""

    def __init__(self, session: AsyncSession, upload_id: UUID) -> None:
        self._session = session
        self._upload_id = upload_id

    async def remember(self, state: ObjectState, *, key: str) -> bool:
        """Let what is there now count for good; tell whether nothing else has counted before."""
        file = await self._session.get(UploadPart, (self._upload_id, _THE_FILE))
        if file is not None:
            return file.etag == state.etag
        self._session.add(
            UploadPart(
                upload_id=self._upload_id,
                number=_THE_FILE,
                size=state.size,
                etag=state.etag,
                key=key,
            )
        )
        return True
