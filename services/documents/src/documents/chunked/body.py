"""The bytes of one chunk as a request brings them: bare, or as the `file` of a form."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi import Request

from documents.chunked.errors import WrongChunkSize
from documents.chunked.layout import MAX_CHUNK_BYTES
from documents.uploads.form import UploadForm

_FORM_OVERHEAD = 16 << 10


@dataclass(frozen=True)
class ChunkBody:
    """The bytes, and how many of them are announced, if that is known."""

    pieces: AsyncIterator[bytes]
    announced: int | None

    @classmethod
    def of(cls, request: Request) -> "ChunkBody":
        """Return the body of a request; any media type but that of forms is one of bare bytes."""
        media_type = request.headers.get("content-type", "")
        if media_type.lower().startswith("multipart/form-data"):
            form = UploadForm(
                request,
                files=("file",),
                max_files=1,
                fields=(),
                max_bytes=MAX_CHUNK_BYTES + _FORM_OVERHEAD,
            )
            return cls(_only_file(form), None)
        length = request.headers.get("content-length", "")
        return cls(request.stream(), int(length) if length.isdecimal() else None)

    async def exactly(self, size: int) -> AsyncIterator[bytes]:
        """Pass the bytes on; raises `WrongChunkSize`, before they are read if that can be."""
        if self.announced not in (None, size):
            raise WrongChunkSize(size)
        missing = size
        async for piece in self.pieces:
            missing -= len(piece)
            if missing < 0:
                break
            yield piece
        if missing:
            raise WrongChunkSize(size)


async def _only_file(form: UploadForm) -> AsyncIterator[bytes]:
    async for file in form.files():
        async for piece in file.chunks:
            yield piece
