"""What can be done with files that come in with one request: store them, and have them read."""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from common.database import Sessions
from common.errors import Problem
from common.storage import Storage
from cryptography.fernet import Fernet
from sqlalchemy.ext.asyncio import AsyncSession

from documents.jobs.passwords import sealed
from documents.models import Document
from documents.tools.offers import Offers
from documents.uploads.errors import EmptyFile, FileTooLarge, UnsupportedType
from documents.uploads.fields import FormFields
from documents.uploads.form import FormFile, UploadForm
from documents.uploads.inspection import InspectedStream
from documents.uploads.limits import UploadLimits
from documents.uploads.provisional import provisional
from documents.uploads.quota import check_quota
from documents.uploads.registration import StoredFile, register


@dataclass(frozen=True)
class RefusedFile:
    """A file of several that was not kept; `index` counts from 0 in the order of the form."""

    index: int
    filename: str
    problem: Problem


@dataclass
class Uploaded:
    """What has become of several files."""

    documents: list[Document] = field(default_factory=list)
    refused: list[RefusedFile] = field(default_factory=list)


class UploadService:
    """The use cases of files that come with one request.

    The bytes come first: an object without a row is harmless, a row without bytes is not.
    """

    def __init__(
        self,
        session: AsyncSession,
        sessions: Sessions,
        storage: Storage,
        limits: UploadLimits,
        *,
        seal: Fernet,
        offers: Offers,
    ) -> None:
        self._session = session
        self._sessions = sessions
        self._storage = storage
        self._limits = limits
        self._seal = seal
        self._offers = offers

    async def upload(self, owner_id: UUID, form: UploadForm) -> Document:
        """Store the form's one file and queue it for reading."""
        await self._ensure_room(owner_id)
        async with provisional(self._storage) as unkept:
            [stored] = [await self._store(file, unkept) async for file in form.files()]
            document = await self._register(owner_id, stored, await self._fields(form))
            unkept.clear()
        return document

    async def upload_all(self, owner_id: UUID, form: UploadForm) -> Uploaded:
        """Store each of the form's files and queue it for reading; what fails, fails alone.

        Nothing is kept of a form that is cut off, or whose fields are wrong.
        """
        await self._ensure_room(owner_id)
        uploaded = Uploaded()
        stored: list[tuple[int, StoredFile]] = []
        async with provisional(self._storage) as unkept:
            index = 0
            async for file in form.files():
                try:
                    stored.append((index, await self._store(file, unkept)))
                except (EmptyFile, FileTooLarge, UnsupportedType) as problem:
                    uploaded.refused.append(RefusedFile(index, file.filename, problem))
                index += 1
            fields = await self._fields(form)
            for index, each in stored:
                try:
                    uploaded.documents.append(await self._keep(owner_id, each, fields))
                    unkept.discard(each.object_key)
                except Problem as problem:
                    uploaded.refused.append(RefusedFile(index, each.filename, problem))
        uploaded.refused.sort(key=lambda refused: refused.index)
        return uploaded

    async def _store(self, file: FormFile, unkept: set[str]) -> StoredFile:
        document_id = uuid4()
        key = f"originals/{document_id}"
        inspected = InspectedStream(file.chunks, max_bytes=self._limits.max_file_bytes)
        chunks = await inspected.open()
        await self._storage.put_stream(key, chunks, content_type=inspected.mime_type)
        unkept.add(key)
        return StoredFile.of(
            inspected, document_id=document_id, object_key=key, filename=file.filename
        )

    async def _fields(self, form: UploadForm) -> FormFields:
        fields = form.fields()
        await self._offers.check(backend=fields.backend, language=fields.language)
        return fields

    async def _keep(self, owner_id: UUID, file: StoredFile, fields: FormFields) -> Document:
        """Register one of several files; what is wrong with it undoes nothing of the others."""
        async with self._session.begin_nested():
            return await self._register(owner_id, file, fields)

    async def _register(self, owner_id: UUID, file: StoredFile, fields: FormFields) -> Document:
        password = sealed(self._seal, fields.password)
        return await register(
            self._session, owner_id, file, fields, self._limits, sealed_password=password
        )

    async def _ensure_room(self, owner_id: UUID) -> None:
        """Refuse before a byte is stored; who is still let in is checked again at the end.

        In a session of its own: the request's would hold its connection while the bytes come.
        """
        async with self._sessions() as session:
            await check_quota(session, owner_id, self._limits, documents=1, size=1)
