"""Taking in what one request brings, for as long as it may."""

import asyncio
import hashlib
from dataclasses import dataclass

from common.database import Sessions
from common.storage import Storage
from starlette.requests import ClientDisconnect

from documents.tus.errors import ChecksumMismatch, UploadStalled, UploadTakenOver
from documents.tus.lease import Lease
from documents.tus.parts import PartWriter
from documents.tus.protocol import Piece
from documents.tus.repository import TusRepository
from documents.uploads.errors import UnsupportedType, UploadInterrupted
from documents.uploads.limits import UploadLimits

_ENDINGS = (
    *(ClientDisconnect, UploadTakenOver, UploadStalled),
    *(ChecksumMismatch, asyncio.CancelledError),
)
"""How the bytes of a request may end before their time."""


@dataclass(frozen=True)
class Facts:
    """What is known of a file that has flowed by whole; the hash is in hex."""

    mime_type: str
    sha256: str


class Reception:
    """Stores what requests bring of uploads that they hold."""

    def __init__(self, sessions: Sessions, storage: Storage, limits: UploadLimits) -> None:
        self._sessions = sessions
        self._storage = storage
        self._limits = limits

    async def receive(self, lease: Lease, piece: Piece) -> Facts | None:
        """Store a piece, and return what is known of the file if that was all of it.

        When the client goes away or somebody else wants the upload, what has come is stored
        before `UploadInterrupted` or `UploadTakenOver` is raised. With a checksum, nothing counts
        before it has matched.
        """
        async with self._sessions() as session:
            size_of_parts = await TusRepository(session).size_of_parts(lease.upload.id)
        writer = PartWriter(
            self._storage,
            lease,
            lifetime=self._limits.upload_lifetime,
            counts_at_once=not piece.is_checked,
        )
        whole = hashlib.sha256()
        try:
            await writer.open(size_of_parts=size_of_parts)
            try:
                async for data in lease.while_unwanted(piece.body):
                    if piece.offset == 0:
                        whole.update(data)
                    await writer.write(data)
            except _ENDINGS as error:
                await asyncio.shield(writer.take_back() if piece.is_checked else writer.flush())
                if isinstance(error, ClientDisconnect):
                    raise UploadInterrupted from error
                raise
            except UnsupportedType:
                if piece.is_checked:  # if the checksum does not match, these are not the bytes
                    async for _ in lease.while_unwanted(piece.body):
                        pass
                raise
            await writer.flush()
        finally:
            await writer.close()
        if piece.offset > 0 or writer.position < lease.upload.length or not writer.media_type:
            return None
        return Facts(writer.media_type, whole.hexdigest())
