"""Uploads in parts: an object that is sent piece by piece, and appears whole or not at all."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from minio.datatypes import ListMultipartUploadsResult, Part
from minio.error import MinioException

from common.s3 import S3, THREADS, MultipartMissing, ObjectMissing, content_type_header

_AHEAD = 3  # parts of one upload that are sent at once, while the next one is being read


@dataclass(frozen=True)
class UnfinishedMultipart:
    """An upload in parts that nobody has completed or aborted."""

    key: str
    upload: str
    begun: datetime


class Multiparts:
    """S3's multipart uploads, one request for each method.

    Parts are numbered from 1 to 10,000, with gaps as one likes, and all but the last have at least
    5 MiB. A number that is sent again takes the place of what was sent before.
    """

    def __init__(self, s3: S3) -> None:
        self._s3 = s3
        # Some threads are left for those who read; and so many parts are in memory at most.
        self._slots = asyncio.Semaphore(THREADS - 4)

    async def begin(self, key: str, *, content_type: str) -> str:
        """Begin an upload and return the server's name for it."""
        headers = content_type_header(content_type)
        upload: str = await self._s3.call(
            lambda: self._s3.client._create_multipart_upload(self._s3.bucket, key, headers)
        )
        return upload

    async def put_part(self, key: str, upload: str, data: bytes, *, number: int) -> str:
        """Send a part and return its ETag; raises `MultipartMissing`."""
        etag: str = await self._s3.call(
            lambda: self._s3.client._upload_part(self._s3.bucket, key, data, None, upload, number)
        )
        return etag

    async def put_parts(
        self, key: str, upload: str, parts: AsyncIterator[bytes]
    ) -> Sequence[tuple[int, str]]:
        """Send parts while the next ones are being read; return their numbers and ETags.

        No part is on its way any more when it returns or raises, so that an abort finds them all.
        """
        sending: list[asyncio.Task[str]] = []
        try:
            async for part in parts:
                sent = self._put_next(key, upload, part, number=len(sending) + 1)
                sending.append(asyncio.create_task(sent))
                del part  # else it would be kept until the next one is whole
                await _all_but(_AHEAD - 1, sending)
            await _all_but(0, sending)
        except BaseException:
            await asyncio.shield(asyncio.gather(*sending, return_exceptions=True))
            raise
        return [(number, task.result()) for number, task in enumerate(sending, 1)]

    async def complete(self, key: str, upload: str, parts: Sequence[tuple[int, str]]) -> None:
        """Make the object of numbered parts with their ETags; raises `MultipartMissing`.

        Done again it is no error: whether the first time succeeded is told by the object itself.
        """
        whole = [Part(number, etag) for number, etag in parts]

        def complete() -> None:
            done = self._s3.client._complete_multipart_upload(self._s3.bucket, key, upload, whole)
            if not done.etag:  # S3 may answer 200 with an error in the body
                raise MinioException("the parts were not put together")

        try:
            await self._s3.call(complete)
        except MultipartMissing:
            if not await self._is_made_of(key, parts):
                raise

    async def abort(self, key: str, upload: str) -> None:
        """Discard what was sent; raises `MultipartMissing`."""
        await self._s3.call(lambda: self._abort(key, upload))

    async def discard(self, key: str, upload: str) -> None:
        """Abort after a failure, for a few seconds and without another one."""
        await self._s3.tidy(lambda: self._abort(key, upload))

    async def unfinished(self, prefix: str) -> AsyncIterator[UnfinishedMultipart]:
        """Yield the uploads of keys that begin like this."""
        found = await self._page(prefix, None, None)
        while True:
            for each in found.uploads:
                if each.upload_id and each.initiated_time:
                    yield UnfinishedMultipart(each.object_name, each.upload_id, each.initiated_time)
            if not found.is_truncated:
                return
            found = await self._page(prefix, found.next_key_marker, found.next_upload_id_marker)

    def _abort(self, key: str, upload: str) -> None:
        self._s3.client._abort_multipart_upload(self._s3.bucket, key, upload)

    async def _put_next(self, key: str, upload: str, part: bytes, *, number: int) -> str:
        async with self._slots:
            return await self.put_part(key, upload, part, number=number)

    async def _is_made_of(self, key: str, parts: Sequence[tuple[int, str]]) -> bool:
        try:
            found = await self._s3.call(lambda: self._s3.client.stat_object(self._s3.bucket, key))
            digests = b"".join(bytes.fromhex(etag) for _, etag in parts)
        except (ObjectMissing, ValueError):  # the latter for ETags that are no MD5
            return False
        made = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
        return found.etag == made

    async def _page(
        self, prefix: str, key_marker: str | None, upload_marker: str | None
    ) -> ListMultipartUploadsResult:
        return await self._s3.call(
            lambda: self._s3.client._list_multipart_uploads(
                self._s3.bucket,
                prefix=prefix,
                key_marker=key_marker,
                upload_id_marker=upload_marker,
            )
        )


async def _all_but(count: int, sending: Sequence[asyncio.Task[str]]) -> None:
    """Return when no more than so many are on their way; raises what one of them raised."""
    while len(waiting := [task for task in sending if not task.done()]) > count:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in sending:
        if task.done():
            task.result()
