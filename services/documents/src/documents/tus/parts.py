"""Storing what one request brings: in parts that S3 takes, and in a tail for the rest.

S3 wants at least 5 MiB in every part but the last. What is too short for a part becomes an object
of its own, the tail, and the next request begins by reading it back.

Nobody can write over what counts. A part's number is drawn from the row before the part is sent,
a tail has the holder's fence in its key, and only what the row names is ever read: a request that
was given up, and wakes up late, sends its bytes to where nobody looks.
"""

import asyncio
import contextlib
from collections import deque
from datetime import timedelta

from common.errors import Unavailable
from common.parts import PART_BYTES
from common.s3 import MultipartMissing
from common.storage import ObjectMissing, Storage

from documents.base import now
from documents.tus.errors import UploadLost, UploadTooLong
from documents.tus.lease import Lease
from documents.uploads.errors import UnsupportedType
from documents.uploads.filetypes import SNIFF_BYTES, sniff
from documents.uploads.models import UploadPart

_SHORTEST_PART = 5 << 20
_ON_THEIR_WAY = 2
"""So many parts are sent at the same time: a third faster than one after the other."""


class PartWriter:
    """Takes bytes and stores them. What is stored counts at once, or only when all is flushed.

    Two parts are on their way while the next one fills. They count in their order, so that what
    counts is all there.
    """

    def __init__(
        self, storage: Storage, lease: Lease, *, lifetime: timedelta, counts_at_once: bool
    ) -> None:
        self._storage = storage
        self._lease = lease
        self._lifetime = lifetime
        self._counts_at_once = counts_at_once
        self._buffer = bytearray()
        self._begin = 0  # of the buffer, in the file
        self._sending: deque[asyncio.Task[None]] = deque()
        self._sent: list[UploadPart] = []
        self.media_type: str | None = None
        """Of the file, if its first bytes came this way."""

    @property
    def position(self) -> int:
        """Where the next byte belongs."""
        return self._begin + len(self._buffer)

    async def open(self, *, size_of_parts: int) -> None:
        """Go on behind the parts, with the tail; raises `UploadLost`."""
        upload = self._lease.upload
        self._begin = size_of_parts
        if upload.tail_key is not None:
            try:
                self._buffer += await self._storage.get(upload.tail_key)
            except ObjectMissing as error:
                raise UploadLost from error
        if self.position != upload.received:
            raise UploadLost

    async def write(self, piece: bytes) -> None:
        """Take some bytes; raises `UploadTooLong`, `UnsupportedType`."""
        before = self.position
        if before + len(piece) > self._lease.upload.length:
            raise UploadTooLong(f"Announced are {self._lease.upload.length} bytes.")
        self._buffer += piece
        if before < min(SNIFF_BYTES, self._lease.upload.length) <= self.position:
            self.media_type = sniff(bytes(self._buffer[:SNIFF_BYTES]))
            if self.media_type is None:
                raise UnsupportedType("Send a PDF, JPEG, PNG, TIFF or WebP file.")
        if len(self._buffer) >= PART_BYTES:
            await self._send()

    async def flush(self) -> None:
        """Store all that has been taken, and let it count."""
        upload = self._lease.upload
        is_last = self.position == upload.length
        if self._buffer and (is_last or len(self._buffer) >= _SHORTEST_PART):
            await self._send()
        await self._arrival()
        tail_key = None
        if self._buffer:
            tail_key = self._lease.upload.tail_key
            if self.position > self._lease.upload.received:
                tail_key = f"{upload.folder}{self._lease.fence}"
                tail = bytes(self._buffer)
                await self._storage.put(tail_key, tail, content_type="application/octet-stream")
        await self._count(self.position, tail_key)

    async def take_back(self) -> None:
        """Let nothing count; the numbers of the parts can be used again, so that no room is lost.

        Only if all of them have arrived: one that comes later could be taken for another.
        """
        await self._arrival()
        if self._sent:
            await self._lease.write(next_number=self._sent[0].number)

    async def close(self) -> None:
        """Wait for what is still on its way, whatever becomes of it."""
        await asyncio.shield(asyncio.gather(*self._sending, return_exceptions=True))

    async def _send(self) -> None:
        """Send the buffer as a part, once not many are on their way."""
        await self._arrival(but=_ON_THEIR_WAY - 1)
        number = self._lease.upload.next_number
        multipart = await self._draw(number)
        part = bytes(self._buffer)
        self._buffer.clear()
        self._begin += len(part)
        before = self._sending[-1] if self._sending else None
        storing = self._store(part, multipart, number=number, end=self._begin, before=before)
        self._sending.append(asyncio.create_task(storing))

    async def _arrival(self, *, but: int = 0) -> None:
        """Wait for parts that are on their way, all `but` some; they go on if we are cancelled."""
        while len(self._sending) > but:
            await asyncio.shield(self._sending[0])
            self._sending.popleft()

    async def _store(
        self,
        part: bytes,
        multipart: str,
        *,
        number: int,
        end: int,
        before: asyncio.Task[None] | None,
    ) -> None:
        upload = self._lease.upload
        try:
            etag = await self._storage.multiparts.put_part(
                upload.object_key, multipart, part, number=number
            )
        except MultipartMissing as error:
            raise UploadLost from error
        if before is not None:
            await asyncio.shield(before)
        size = len(part)
        self._sent.append(UploadPart(upload_id=upload.id, number=number, size=size, etag=etag))
        if self._counts_at_once:
            await self._count(end, None)

    async def _draw(self, number: int) -> str:
        """Make sure that nobody else ever sends a part of this number; return the multipart."""
        upload = self._lease.upload
        multiparts = self._storage.multiparts
        if upload.multipart is not None:
            await self._lease.write(next_number=number + 1)
            return upload.multipart
        begun = await multiparts.begin(
            upload.object_key, content_type=self.media_type or "application/octet-stream"
        )
        try:
            await self._lease.write(next_number=number + 1, multipart=begun)
        except BaseException:
            with contextlib.suppress(Unavailable, MultipartMissing):
                await asyncio.shield(multiparts.abort(upload.object_key, begun))
            raise
        return begun

    async def _count(self, received: int, tail_key: str | None) -> None:
        """Write down what is stored, so that it counts; the tail before it is of no use then."""
        former = self._lease.upload.tail_key
        sent, self._sent = self._sent, []
        await self._lease.write(
            *sent, received=received, tail_key=tail_key, expires_at=now() + self._lifetime
        )
        if former not in (None, tail_key):
            with contextlib.suppress(Unavailable):
                await self._storage.delete(str(former))
