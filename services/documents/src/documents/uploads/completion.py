"""From an upload whose bytes are all there to a document: once, whatever happens in between.

Everything before the last transaction can be done again, and does the same then: so a crash at any
point is mended by asking again.
"""

import contextlib
from collections.abc import Awaitable, Callable
from uuid import UUID

from common.database import Sessions, transaction
from common.errors import Unavailable
from common.storage import Storage
from sqlalchemy.ext.asyncio import AsyncSession

from documents.catalogue.service import remember_tags
from documents.errors import UnknownReference
from documents.models import Document
from documents.repository import DocumentRepository
from documents.uploads.errors import DuplicateDocument, UnsupportedType, UploadNotFound
from documents.uploads.fields import UploadFields
from documents.uploads.inspection import InspectedStream
from documents.uploads.lease import held
from documents.uploads.leftovers import remove_leftovers
from documents.uploads.limits import UploadLimits
from documents.uploads.models import Kind, Upload, UploadStatus
from documents.uploads.registration import StoredFile, register
from documents.uploads.repository import UploadRepository

MakeObject = Callable[[Upload], Awaitable[InspectedStream]]
"""Puts all the bytes of an upload under its `object_key`, having looked at them."""


class Completion:
    """Makes documents of uploads, and gives uploads up."""

    def __init__(self, sessions: Sessions, storage: Storage, limits: UploadLimits) -> None:
        self._sessions = sessions
        self._storage = storage
        self._limits = limits

    async def complete(
        self, owner_id: UUID, upload_id: UUID, *, kind: Kind, make_object: MakeObject
    ) -> Document:
        """Make the document of an upload, or return it if it is made already.

        Raises `UploadBusy`; `DuplicateDocument` and `UnsupportedType` each time that it is asked.
        """
        async with self._sessions() as session:
            await UploadRepository(session).get(upload_id, owner_id=owner_id, kind=kind)
        async with held(self._sessions, upload_id):
            async with self._sessions() as session:
                upload = await UploadRepository(session).lock(upload_id)
                if upload.status is UploadStatus.COMPLETED:
                    return await DocumentRepository(session).get(upload_id, owner_id=owner_id)
                upload.ensure_open()
            try:
                inspected = await make_object(upload)
                if inspected.size != upload.length:
                    raise Unavailable("The object storage has not kept all of the file.")
                return await self._register(_stored(upload, inspected))
            except UnsupportedType:
                await self._refuse(upload_id)
                raise
            except UploadNotFound:  # it was given up meanwhile
                await self._clean_up_unless_kept(upload)
                raise

    async def give_up(self, owner_id: UUID, upload_id: UUID, *, kind: Kind) -> None:
        """Remove an upload that is no document; raises `UploadBusy`, `UploadEnded`."""
        async with transaction(self._sessions) as session:
            uploads = UploadRepository(session)
            upload = await uploads.get(upload_id, owner_id=owner_id, kind=kind, lock=True)
            if upload.status is not UploadStatus.REFUSED:
                upload.ensure_open()
            await uploads.remove(upload)
        await self._clean_up(upload)

    async def _register(self, file: StoredFile) -> Document:
        duplicate: DuplicateDocument | None = None
        async with transaction(self._sessions) as session:
            upload = await UploadRepository(session).lock(file.document_id)
            if upload.status is UploadStatus.COMPLETED:
                documents = DocumentRepository(session)
                return await documents.get(upload.id, owner_id=upload.user_id)
            upload.ensure_open()
            try:
                async with session.begin_nested():
                    document = await self._end(session, upload, file)
            except DuplicateDocument as error:
                await session.refresh(upload)
                upload.refuse(error.document_id)
                duplicate = error
        await self._clean_up(upload)
        if duplicate is not None:
            raise duplicate
        return document

    async def _end(self, session: AsyncSession, upload: Upload, file: StoredFile) -> Document:
        fields = UploadFields.model_validate(upload.fields)
        # Tags before what is counted, as for files of one request: nobody waits in a circle.
        await remember_tags(session, upload.user_id, fields.tags)
        upload.complete()
        await session.flush()  # first: an open upload and its document would count twice
        try:
            return await register(session, upload.user_id, file, fields, self._limits)
        except UnknownReference:  # deleted meanwhile, as it is for other documents
            without = fields.model_copy(update={"category_id": None})
            return await register(session, upload.user_id, file, without, self._limits)

    async def _refuse(self, upload_id: UUID) -> None:
        async with transaction(self._sessions) as session:
            upload = await UploadRepository(session).lock(upload_id)
            upload.refuse()
        await self._clean_up(upload)

    async def _clean_up_unless_kept(self, upload: Upload) -> None:
        """Clean up after an upload that is forgotten: it may have become a document before."""
        async with self._sessions() as session:
            kept = await session.get(Document, upload.id)
        if kept is None:
            await self._clean_up(upload)

    async def _clean_up(self, upload: Upload) -> None:
        with contextlib.suppress(Unavailable):  # `expiry` and `sweeping` do it again
            await remove_leftovers(self._storage, upload)


def _stored(upload: Upload, inspected: InspectedStream) -> StoredFile:
    key, name = upload.object_key, upload.filename
    return StoredFile.of(inspected, document_id=upload.id, object_key=key, filename=name)
