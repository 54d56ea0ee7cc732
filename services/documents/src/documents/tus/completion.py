"""From bytes that are all there to a document: once, whatever happens in between.

Each step may have been done by somebody who died before the next one, and is done again or found
done: the multipart becomes an object, the object is hashed, and one transaction makes it a
document and ends the upload.
"""

import asyncio
import contextlib
from uuid import UUID

import structlog
from common.database import Sessions, transaction
from common.errors import Problem, Unavailable
from common.s3 import MultipartMissing
from common.storage import ObjectMissing, Storage

from documents.catalogue.service import remember_tags
from documents.errors import UnknownReference
from documents.tus.errors import UploadLocked, UploadLost
from documents.tus.lease import Lease, leased
from documents.tus.reception import Facts
from documents.tus.repository import TusRepository
from documents.uploads.errors import DuplicateDocument
from documents.uploads.fields import UploadFields
from documents.uploads.inspection import InspectedStream
from documents.uploads.limits import UploadLimits
from documents.uploads.models import Upload, UploadStatus
from documents.uploads.registration import StoredFile, register

logger = structlog.get_logger(__name__)

_AT_ONCE = 100


class Completion:
    """Makes documents of uploads whose bytes are all there."""

    def __init__(self, sessions: Sessions, storage: Storage, limits: UploadLimits) -> None:
        self._sessions = sessions
        self._storage = storage
        self._limits = limits

    async def finish(self, lease: Lease, facts: Facts | None = None) -> None:
        """Make the document, unless it is made already.

        Raises `DuplicateDocument`, each time that it is asked; `UploadLost`.
        """
        upload = lease.upload
        if upload.status is UploadStatus.OPEN:
            await self._make_object(upload)
            file = await self._inspect(upload, facts)
            await self._register(lease, file)
        if lease.upload.duplicate_id is not None:
            raise DuplicateDocument(lease.upload.duplicate_id)

    async def _make_object(self, upload: Upload) -> None:
        async with self._sessions() as session:
            parts = await TusRepository(session).parts(upload.id)
        etags = [(part.number, part.etag or "") for part in parts]
        try:
            if upload.multipart is None:
                raise UploadLost
            await self._storage.multiparts.complete(upload.object_key, upload.multipart, etags)
        except MultipartMissing as error:
            if await self._size(upload.object_key) != upload.length:
                raise UploadLost from error

    async def _size(self, key: str) -> int | None:
        try:
            return await self._storage.size(key)
        except ObjectMissing:
            return None

    async def _inspect(self, upload: Upload, facts: Facts | None) -> StoredFile:
        """Hash the object, unless all of it has just flowed by."""
        where = (upload.id, upload.object_key, upload.filename)
        if facts is not None:
            return StoredFile(*where, facts.mime_type, upload.length, facts.sha256)
        chunks = await self._storage.open(upload.object_key)
        try:
            inspected = InspectedStream(chunks, max_bytes=upload.length)
            async for _ in await inspected.open():
                pass
        finally:
            await chunks.aclose()
        if inspected.size != upload.length:
            raise UploadLost
        return StoredFile(*where, inspected.mime_type, inspected.size, inspected.sha256)

    async def _register(self, lease: Lease, file: StoredFile) -> None:
        upload = lease.upload
        try:
            async with transaction(self._sessions) as session:
                uploads = TusRepository(session)
                fields = UploadFields.model_validate(upload.fields)
                # Tags before what is counted, as everywhere: nobody waits in a circle. Ended
                # before it is registered: an open upload and its document would count twice.
                await remember_tags(session, upload.user_id, fields.tags)
                ended = await uploads.change(
                    upload.id, lease.fence, status=UploadStatus.COMPLETED, tail_key=None
                )
                await uploads.forget_parts(upload.id)
                try:
                    await register(session, upload.user_id, file, fields, self._limits)
                except UnknownReference:  # deleted meanwhile, as it is for other documents
                    without = fields.model_copy(update={"category_id": None})
                    await register(session, upload.user_id, file, without, self._limits)
            lease.upload = ended
        except DuplicateDocument as error:
            await lease.write(
                status=UploadStatus.REFUSED, duplicate_id=error.document_id, tail_key=None
            )
            with contextlib.suppress(Unavailable):
                await asyncio.shield(self._storage.delete(upload.object_key))


async def finish_abandoned(sessions: Sessions, storage: Storage, limits: UploadLimits) -> None:
    """Make documents of uploads that are all there, and whose request has died."""
    async with sessions() as session:
        found = await TusRepository(session).abandoned(limit=_AT_ONCE)
    completion = Completion(sessions, storage, limits)
    for upload in found:
        await _finish(completion, sessions, upload.id, upload.user_id)


async def _finish(
    completion: Completion, sessions: Sessions, upload_id: UUID, owner_id: UUID
) -> None:
    try:
        async with leased(sessions, upload_id, owner_id=owner_id, patience_seconds=0) as lease:
            await completion.finish(lease)
    except (DuplicateDocument, UploadLocked):
        return  # both are an end, or somebody else's work
    except Problem as problem:
        logger.warning("upload not finished", upload_id=str(upload_id), problem=problem.slug)
