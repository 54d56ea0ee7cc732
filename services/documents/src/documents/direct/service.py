"""What can be done with files that clients write straight to the object storage.

They are written to a place of their own, since the URL stays valid after the upload has ended: it
must never lead to the bytes of a document. The storage copies them, and only the copy is read.
"""

from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from common.copying import ObjectChanged
from common.database import Sessions, transaction
from common.presigned import PresignedPut
from common.storage import ObjectMissing, ObjectState, Storage
from sqlalchemy.ext.asyncio import AsyncSession

from documents.base import now
from documents.direct.errors import (
    DirectUploadUnavailable,
    FileNotSent,
    FileReplaced,
    WrongFileSize,
)
from documents.direct.repository import WrittenFileRepository
from documents.models import Document
from documents.uploads.beginning import begin
from documents.uploads.completion import Completion
from documents.uploads.errors import UnsupportedType
from documents.uploads.fields import AnnouncedFile
from documents.uploads.filetypes import SNIFF_BYTES, sniff
from documents.uploads.inspection import InspectedStream
from documents.uploads.limits import UploadLimits
from documents.uploads.models import Kind, Upload
from documents.uploads.repository import UploadRepository

_MAX_BYTES = 5 << 30  # S3 takes no more with one request
_URL_LIFE = timedelta(hours=1)


@dataclass(frozen=True)
class Invitation:
    """A request that a client may begin until then, to write the file of an upload."""

    upload: Upload
    put: PresignedPut
    expires_at: datetime


class DirectUploadService:
    """The use cases of files that clients write themselves."""

    def __init__(
        self, session: AsyncSession, sessions: Sessions, storage: Storage, limits: UploadLimits
    ) -> None:
        self._session = session
        self._sessions = sessions
        self._storage = storage
        self._limits = limits
        self._completion = Completion(sessions, storage, limits)

    async def begin(self, owner_id: UUID, file: AnnouncedFile) -> Invitation:
        """Keep a place for a file, and let the client write it.

        Raises `DirectUploadUnavailable`, and what `beginning.begin` raises.
        """
        max_bytes = min(self._limits.max_resumable_bytes, _MAX_BYTES)
        upload = await begin(
            self._session, owner_id, file, self._limits, kind=Kind.DIRECT, max_bytes=max_bytes
        )
        life = min(_URL_LIFE, self._limits.upload_lifetime)
        put = self._storage.public_put(_written(upload), size=upload.length, expires=life)
        if put is None:
            raise DirectUploadUnavailable("The setting QUIRE_S3_PUBLIC_ENDPOINT is not set.")
        return Invitation(upload, put, now() + life)

    async def complete(self, owner_id: UUID, upload_id: UUID) -> Document:
        """Make a document of what was written, or return what it has become.

        Raises `FileNotSent`, `WrongFileSize`, `FileReplaced`, and what `Completion.complete`
        raises.
        """
        return await self._completion.complete(
            owner_id, upload_id, kind=Kind.DIRECT, make_object=self._copy
        )

    async def give_up(self, owner_id: UUID, upload_id: UUID) -> None:
        """Discard an upload with what was written."""
        await self._completion.give_up(owner_id, upload_id, kind=Kind.DIRECT)

    async def _copy(self, upload: Upload) -> InspectedStream:
        key = _written(upload)
        try:
            state = await self._freeze(upload, key)
            mime_type = await self._sniff(key)
            await self._storage.copies.copy(
                key, upload.object_key, size=state.size, etag=state.etag, content_type=mime_type
            )
        except ObjectMissing:
            raise FileNotSent from None
        except ObjectChanged:
            raise FileReplaced from None
        async with aclosing(await self._storage.open(upload.object_key)) as chunks:
            inspected = InspectedStream(chunks, max_bytes=upload.length)
            async for _ in await inspected.open():
                pass
        return inspected

    async def _freeze(self, upload: Upload, key: str) -> ObjectState:
        """Let what is there now count for good.

        So whoever completes the upload, however often and however many at once, copies the same
        bytes, even if others are written in between.
        """
        state = await self._storage.state(key)
        if state.size != upload.length:
            await self._storage.delete(key)
            raise WrongFileSize(f"Announced are {upload.length} bytes, sent were {state.size}.")
        async with transaction(self._sessions) as session:
            locked = await UploadRepository(session).lock(upload.id)
            if not await WrittenFileRepository(session, upload.id).remember(state, key=key):
                raise FileReplaced
            locked.received = locked.length
        return state

    async def _sniff(self, key: str) -> str:
        """Refuse what is no readable file before gigabytes of it are copied."""
        async with aclosing(await self._storage.open(key, length=SNIFF_BYTES)) as chunks:
            head = b"".join([piece async for piece in chunks])
        mime_type = sniff(head)
        if mime_type is None:
            raise UnsupportedType("Send a PDF, JPEG, PNG, TIFF or WebP file.")
        return mime_type


def _written(upload: Upload) -> str:
    return f"{upload.folder}file"
