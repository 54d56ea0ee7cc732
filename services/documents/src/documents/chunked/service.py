"""What can be done with files that come in numbered chunks."""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import islice
from uuid import UUID, uuid4

from common.database import Sessions, transaction
from common.storage import Chunks, Storage
from sqlalchemy.ext.asyncio import AsyncSession

from documents.base import now
from documents.chunked.body import ChunkBody
from documents.chunked.errors import ChunksFrozen, ChunksMissing
from documents.chunked.layout import Layout
from documents.chunked.repository import ChunkRepository
from documents.chunked.schemas import ChunkedFile
from documents.models import Document
from documents.uploads.beginning import begin
from documents.uploads.completion import Completion
from documents.uploads.inspection import InspectedStream
from documents.uploads.limits import UploadLimits
from documents.uploads.models import Kind, Upload
from documents.uploads.provisional import provisional
from documents.uploads.repository import UploadRepository

_SHOWN_MISSING = 1000


@dataclass(frozen=True)
class Progress:
    """How far an upload is; of the missing numbers the first thousand."""

    upload: Upload
    layout: Layout
    received: int
    missing: Sequence[int]


class ChunkedUploadService:
    """The use cases of files in chunks.

    A chunk lies under a key of its own for each try to send it, and counts once its row names
    that key: two who send the same number at once never mix.
    """

    def __init__(
        self, session: AsyncSession, sessions: Sessions, storage: Storage, limits: UploadLimits
    ) -> None:
        self._session = session
        self._sessions = sessions
        self._storage = storage
        self._limits = limits
        self._completion = Completion(sessions, storage, limits)

    async def begin(self, owner_id: UUID, file: ChunkedFile) -> Upload:
        """Keep a place for a file, and say how it is to be cut."""
        max_bytes = self._limits.max_resumable_bytes
        layout = Layout.of(min(file.file_size, max_bytes), file.chunk_size)
        return await begin(
            self._session,
            owner_id,
            file,
            self._limits,
            kind=Kind.CHUNKED,
            max_bytes=max_bytes,
            chunk_size=layout.chunk_size,
        )

    async def put(self, owner_id: UUID, upload_id: UUID, number: int, body: ChunkBody) -> int:
        """Store a chunk, in place of what was sent under its number before; return its size."""
        async with self._sessions() as session:
            upload = await self._open(session, owner_id, upload_id)
        size = layout_of(upload).size_of(number)
        key = f"{upload.folder}{number}/{uuid4().hex}"
        async with provisional(self._storage) as unkept:
            unkept.add(key)
            chunks = body.exactly(size)
            await self._storage.put_stream(key, chunks, content_type="application/octet-stream")
            async with transaction(self._sessions) as session:
                upload = await self._open(session, owner_id, upload_id, lock=True)
                former = await ChunkRepository(session, upload_id).put(number, size=size, key=key)
                upload.expires_at = now() + self._limits.upload_lifetime
            unkept.discard(key)
            if former is not None:
                unkept.add(former)
        return size

    async def progress(self, owner_id: UUID, upload_id: UUID) -> Progress:
        """Return how far an upload is."""
        upload = await UploadRepository(self._session).get(
            upload_id, owner_id=owner_id, kind=Kind.CHUNKED
        )
        stored = await ChunkRepository(self._session, upload_id).numbers()
        layout = layout_of(upload)
        missing = list(islice(layout.missing(stored), _SHOWN_MISSING))
        return Progress(upload, layout, len(stored), missing)

    async def complete(self, owner_id: UUID, upload_id: UUID) -> Document:
        """Put the chunks together and make a document of them, or return what they have become.

        Raises `ChunksMissing`, and what `Completion.complete` raises.
        """
        return await self._completion.complete(
            owner_id, upload_id, kind=Kind.CHUNKED, make_object=self._put_together
        )

    async def give_up(self, owner_id: UUID, upload_id: UUID) -> None:
        """Discard an upload with its chunks."""
        await self._completion.give_up(owner_id, upload_id, kind=Kind.CHUNKED)

    async def _put_together(self, upload: Upload) -> InspectedStream:
        keys = await self._freeze(upload.id)
        async with aclosing(self._read(keys)) as chunks:
            inspected = InspectedStream(chunks, max_bytes=upload.length)
            stream = await inspected.open()
            await self._storage.put_stream(
                upload.object_key,
                stream,
                content_type=inspected.mime_type,
                is_new=False,  # a completion that lost its lease must not undo the next one
            )
        return inspected

    async def _freeze(self, upload_id: UUID) -> Sequence[str]:
        """Let no chunk be sent again, if all are there, and return where they lie.

        Whoever puts them together, however often and however many at once, gets the same file.
        """
        async with transaction(self._sessions) as session:
            upload = await UploadRepository(session).lock(upload_id)
            chunks = ChunkRepository(session, upload_id)
            missing = list(layout_of(upload).missing(await chunks.numbers()))
            if missing:
                raise ChunksMissing(missing[:_SHOWN_MISSING], len(missing))
            upload.received = upload.length
            return await chunks.keys()

    async def _read(self, keys: Sequence[str]) -> Chunks:
        for key in keys:
            async with aclosing(await self._storage.open(key)) as chunks:
                async for piece in chunks:
                    yield piece

    async def _open(
        self, session: AsyncSession, owner_id: UUID, upload_id: UUID, *, lock: bool = False
    ) -> Upload:
        """Return an upload to which chunks may be sent."""
        upload = await UploadRepository(session).get(
            upload_id, owner_id=owner_id, kind=Kind.CHUNKED, lock=lock
        )
        upload.ensure_open()
        if upload.is_whole:
            raise ChunksFrozen
        return upload


def layout_of(upload: Upload) -> Layout:
    """Return how an upload is cut."""
    return Layout(upload.length, upload.chunk_size or upload.length)
