"""Looks at a file while it flows by: its size, its hash, its type."""

import hashlib
from collections.abc import AsyncIterator

from documents.uploads.errors import EmptyFile, FileTooLarge, UnsupportedType
from documents.uploads.filetypes import SNIFF_BYTES, sniff


class InspectedStream:
    """Wraps the chunks of a file; after the last one its facts are known.

    Nothing is passed on before the type is known, so that no unreadable file is ever stored.
    """

    def __init__(self, chunks: AsyncIterator[bytes], *, max_bytes: int) -> None:
        self._chunks = chunks
        self._max_bytes = max_bytes
        self._hash = hashlib.sha256()
        self.size = 0
        self.mime_type = ""

    @property
    def sha256(self) -> str:
        """Hash of what has flowed by, in hex."""
        return self._hash.hexdigest()

    async def open(self) -> AsyncIterator[bytes]:
        """Read enough to know the type, and return all the bytes as a stream.

        Raises `EmptyFile`, `UnsupportedType`; while streaming, `FileTooLarge`.
        """
        head = bytearray()
        async for chunk in self._chunks:
            head += chunk
            if len(head) >= SNIFF_BYTES:
                break
        if not head:
            raise EmptyFile
        mime_type = sniff(bytes(head[:SNIFF_BYTES]))
        if mime_type is None:
            raise UnsupportedType("Send a PDF, JPEG, PNG, TIFF or WebP file.")
        self.mime_type = mime_type
        return self._stream(bytes(head))

    async def _stream(self, head: bytes) -> AsyncIterator[bytes]:
        yield self._inspect(head)
        async for chunk in self._chunks:
            yield self._inspect(chunk)

    def _inspect(self, chunk: bytes) -> bytes:
        self.size += len(chunk)
        if self.size > self._max_bytes:
            raise FileTooLarge(f"At most {self._max_bytes} bytes are accepted.")
        self._hash.update(chunk)
        return chunk
