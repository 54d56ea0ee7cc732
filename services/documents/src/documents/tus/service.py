"""What can be done with a resumable upload.

No connection to the database is held while bytes flow: what happens is written down in short
transactions, by whoever holds the upload's lease.
"""

import asyncio
import contextlib
from collections.abc import Awaitable
from uuid import UUID

from common.database import Sessions, transaction
from common.errors import Problem, Unavailable
from common.storage import Storage

from documents.tus.completion import Completion
from documents.tus.errors import OffsetMismatch, UploadLocked, UploadLost, UploadTooLong
from documents.tus.lease import Lease, leased
from documents.tus.protocol import Creation, Piece
from documents.tus.reception import Reception
from documents.tus.repository import TusRepository
from documents.uploads.beginning import begin
from documents.uploads.errors import DuplicateDocument, UnsupportedType
from documents.uploads.leftovers import remove_leftovers
from documents.uploads.limits import UploadLimits
from documents.uploads.models import Kind, Upload, UploadStatus


class TusService:
    """The use cases of uploads that can be resumed."""

    def __init__(self, sessions: Sessions, storage: Storage, limits: UploadLimits) -> None:
        self._sessions = sessions
        self._storage = storage
        self._limits = limits
        self._reception = Reception(sessions, storage, limits)
        self._completion = Completion(sessions, storage, limits)

    async def create(self, owner_id: UUID, creation: Creation) -> Upload:
        """Begin an upload, with its first bytes if they are there.

        Raises `FileTooLarge`, `QuotaExceeded` before a byte is stored, and what `append` raises.
        Whoever gets no answer does not know the upload: it ends then.
        """
        upload = await self._begin(owner_id, creation)
        if creation.first is None:
            return upload
        try:
            return await self.append(owner_id, upload.id, creation.first)
        except DuplicateDocument:
            raise
        except BaseException:
            with contextlib.suppress(Problem):
                await asyncio.shield(self.terminate(owner_id, upload.id))
            raise

    async def find(self, owner_id: UUID, upload_id: UUID) -> Upload:
        """Return where an upload stands, and finish it if that is all that is missing.

        Whoever is sending is made to store what has come, and can then store no more: so the
        offset is exact. Raises `UploadLocked`.
        """
        upload = await self._get(owner_id, upload_id)
        if upload.status is not UploadStatus.OPEN:
            return upload
        try:
            async with leased(self._sessions, upload_id, owner_id=owner_id) as lease:
                if lease.upload.received == lease.upload.length:
                    with contextlib.suppress(DuplicateDocument):  # the upload tells of it
                        await self._or_end(lease, self._completion.finish(lease))
                return lease.upload
        except UploadLocked:
            upload = await self._get(owner_id, upload_id)
            if upload.received < upload.length:
                raise
            return upload  # its bytes are all there, and the holder is finishing it

    async def append(self, owner_id: UUID, upload_id: UUID, piece: Piece) -> Upload:
        """Store what comes, and make the document when all has come.

        What has arrived is kept when the client goes away, or when another request wants to go
        on; with a checksum, nothing is kept unless it matches. Raises `OffsetMismatch`,
        `UploadTooLong`, `UploadLocked`, `UploadTakenOver`, `ChecksumMismatch`, `UnsupportedType`
        (which ends the upload), `DuplicateDocument`, `UploadInterrupted`.
        """

        def is_not_past(upload: Upload) -> None:  # what is stored only grows: why wait
            if upload.duplicate_id is not None:
                raise DuplicateDocument(upload.duplicate_id)
            if piece.offset < upload.received:
                raise OffsetMismatch(f"{upload.received} bytes are stored.")
            if piece.offset + (piece.length or 0) > upload.length:
                raise UploadTooLong(f"Announced are {upload.length} bytes.")

        async with leased(self._sessions, upload_id, owner_id=owner_id, look=is_not_past) as lease:
            is_not_past(lease.upload)
            if piece.offset > lease.upload.received:
                raise OffsetMismatch(f"{lease.upload.received} bytes are stored.")
            await self._or_end(lease, self._append(lease, piece))
            return lease.upload

    async def terminate(self, owner_id: UUID, upload_id: UUID) -> None:
        """Forget an upload and what is stored of it. A document that it has become stays."""
        async with leased(self._sessions, upload_id, owner_id=owner_id) as lease:
            await self._end(lease)

    async def _begin(self, owner_id: UUID, creation: Creation) -> Upload:
        async with transaction(self._sessions) as session:
            upload = await begin(
                session,
                owner_id,
                creation.file,
                self._limits,
                kind=Kind.TUS,
                max_bytes=self._limits.max_resumable_bytes,
            )
            upload.upload_metadata = creation.metadata
        return upload

    async def _get(self, owner_id: UUID, upload_id: UUID) -> Upload:
        async with self._sessions() as session:
            return await TusRepository(session).get(upload_id, owner_id=owner_id)

    async def _append(self, lease: Lease, piece: Piece) -> None:
        if lease.upload.status is UploadStatus.OPEN:
            facts = await self._reception.receive(lease, piece)
            if lease.upload.received == lease.upload.length:
                await self._completion.finish(lease, facts)

    async def _or_end(self, lease: Lease, work: Awaitable[None]) -> None:
        """Do some work; what can never become a document ends with it."""
        try:
            await work
        except (UnsupportedType, UploadLost):
            await self._end(lease)
            raise

    async def _end(self, lease: Lease) -> None:
        """Remove the row first: what a failure leaves in the storage is swept."""
        upload = lease.upload
        async with transaction(self._sessions) as session:
            await TusRepository(session).remove(upload.id, lease.fence)
        with contextlib.suppress(Unavailable):
            await remove_leftovers(self._storage, upload)
