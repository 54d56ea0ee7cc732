"""Some bytes of a file, or several runs of them as `multipart/byteranges` (RFC 9110, 14.6)."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from uuid import uuid4

from common.storage import Chunks

from documents.content.ranges import ByteRange

OpenRange = Callable[[ByteRange], Awaitable[Chunks]]


class Multipart:
    """Several runs of bytes in one body, whose length is known before the first one is read."""

    def __init__(self, parts: Sequence[ByteRange], *, size: int, mime_type: str) -> None:
        boundary = uuid4().hex
        self._parts = parts
        self._heads = [
            f"\r\n--{boundary}\r\nContent-Type: {mime_type}\r\n"
            f"Content-Range: {part.of(size)}\r\n\r\n".encode()
            for part in parts
        ]
        self._end = f"\r\n--{boundary}--\r\n".encode()
        self.media_type = f"multipart/byteranges; boundary={boundary}"
        self.length = sum(map(len, self._heads)) + sum(p.length for p in parts) + len(self._end)

    async def open(self, open_range: OpenRange) -> AsyncIterator[bytes]:
        """Return the body; the first run is opened at once, so that a failure has an answer."""
        return self._body(await open_range(self._parts[0]), open_range)

    async def _body(self, chunks: Chunks, open_range: OpenRange) -> AsyncIterator[bytes]:
        for number, (head, part) in enumerate(zip(self._heads, self._parts, strict=True)):
            yield head
            async with aclosing(await open_range(part) if number else chunks) as opened:
                async for chunk in opened:
                    yield chunk
        yield self._end
