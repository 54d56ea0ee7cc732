"""What can be done with a file that comes in with one request: store it, and have it read."""

import asyncio
import contextlib
from uuid import UUID, uuid4

from common.database import Sessions
from common.errors import Unavailable
from common.storage import Storage
from sqlalchemy.ext.asyncio import AsyncSession

from documents.models import Document
from documents.uploads.form import UploadForm
from documents.uploads.inspection import InspectedStream
from documents.uploads.limits import UploadLimits
from documents.uploads.quota import check_quota
from documents.uploads.registration import StoredFile, register


class UploadService:
    """The use cases of files that come with one request."""

    def __init__(
        self, session: AsyncSession, sessions: Sessions, storage: Storage, limits: UploadLimits
    ) -> None:
        self._session = session
        self._sessions = sessions
        self._storage = storage
        self._limits = limits

    async def upload(self, owner_id: UUID, form: UploadForm) -> Document:
        """Store a file and queue it for reading.

        The bytes come first: an object without a row is harmless, a row without bytes is not.
        """
        await self._ensure_room(owner_id)
        document_id = uuid4()
        key = f"originals/{document_id}"
        file = InspectedStream(form.file(), max_bytes=self._limits.max_file_bytes)
        chunks = await file.open()
        await self._storage.put_stream(key, chunks, content_type=file.mime_type)
        try:
            name = form.filename or "document"
            stored = StoredFile.of(file, document_id=document_id, object_key=key, filename=name)
            return await register(self._session, owner_id, stored, form.fields(), self._limits)
        except BaseException:
            with contextlib.suppress(Unavailable):  # what went wrong first is what counts
                await asyncio.shield(self._storage.delete(key))
            raise

    async def _ensure_room(self, owner_id: UUID) -> None:
        """Refuse before a byte is stored; who is still let in is checked again at the end.

        In a session of its own: the request's would hold its connection while the bytes come.
        """
        async with self._sessions() as session:
            await check_quota(session, owner_id, self._limits, documents=1, size=1)
