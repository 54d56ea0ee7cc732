"""Object storage: any S3 server.

Bytes are streamed in parts of `PART_BYTES`, so that memory does not grow with the file.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from minio.deleteobjects import DeleteObject

from common.errors import Unavailable
from common.multiparts import Multiparts
from common.parts import PART_BYTES, in_parts
from common.s3 import S3, MultipartMissing, ObjectMissing, content_type_header
from common.settings import StorageSettings

__all__ = ["Chunks", "ObjectMissing", "Storage", "StoredObject"]

logger = structlog.get_logger(__name__)

Chunks = AsyncGenerator[bytes, None]

_READ_BYTES = 256 << 10
_AT_ONCE = 1000  # S3 lists and deletes that many with one request


@dataclass(frozen=True)
class StoredObject:
    """An object as a listing tells of it."""

    key: str
    modified: datetime


class Storage:
    """One bucket. Every method raises `Unavailable` when the server does not answer."""

    def __init__(self, settings: StorageSettings) -> None:
        self._s3 = S3(settings)
        self._bucket = self._s3.bucket
        self._client = self._s3.client
        self._call = self._s3.call
        self.multiparts = Multiparts(self._s3)

    async def ping(self) -> None:
        """Raise unless the bucket can be reached."""
        if not await self._call(lambda: self._client.bucket_exists(self._bucket)):
            raise Unavailable(f"The bucket {self._bucket} does not exist.")

    async def put(self, key: str, data: bytes, *, content_type: str) -> None:
        """Store a small object whole."""
        headers = content_type_header(content_type)
        await self._call(lambda: self._client._put_object(self._bucket, key, data, headers))

    async def put_stream(
        self, key: str, chunks: AsyncIterator[bytes], *, content_type: str
    ) -> None:
        """Store a stream of unknown length; nothing is visible under the key before its end.

        Whatever `chunks` raises goes through, after the parts already sent are discarded. One
        part is in memory at a time, and a thread is used only while a part is really sent.
        """
        parts = in_parts(chunks)
        first = await anext(parts, b"")
        if len(first) < PART_BYTES:
            await self.put(key, first, content_type=content_type)
            return
        multiparts = self.multiparts
        upload = await multiparts.begin(key, content_type=content_type)
        try:
            sent = [(1, await multiparts.put_part(key, upload, first, number=1))]
            async for part in parts:
                number = len(sent) + 1
                sent.append((number, await multiparts.put_part(key, upload, part, number=number)))
            await multiparts.complete(key, upload, sent)
        except BaseException:
            # Shielded: a client that hangs up cancels us, and the parts must go all the same.
            with contextlib.suppress(
                Unavailable, MultipartMissing
            ):  # what went wrong first is what counts
                await asyncio.shield(multiparts.abort(key, upload))
            raise

    async def get(self, key: str) -> bytes:
        """Return a small object whole; raises `ObjectMissing`."""

        def read() -> bytes:
            response = self._client.get_object(self._bucket, key)
            try:
                data: bytes = response.read()
                return data
            finally:
                response.close()
                response.release_conn()

        return await self._call(read)

    async def open(self, key: str, *, offset: int = 0, length: int = 0) -> Chunks:
        """Open an object and return its bytes; `length` 0 means to the end.

        Raises `ObjectMissing`, before anything has been promised to whoever waits for them.
        """
        response = await self._call(
            lambda: self._client.get_object(self._bucket, key, offset=offset, length=length)
        )

        def release() -> None:
            response.close()
            response.release_conn()

        async def read() -> Chunks:
            try:
                while data := await self._call(lambda: response.read(_READ_BYTES)):
                    yield data
            finally:
                # In a thread: it waits for a read that may still be going on in another.
                await asyncio.shield(self._call(release))

        return read()

    async def download(self, key: str, path: Path) -> None:
        """Write an object to a file; raises `ObjectMissing`."""
        await self._call(lambda: self._client.fget_object(self._bucket, key, str(path)))

    async def size(self, key: str) -> int:
        """Return how many bytes an object has; raises `ObjectMissing`."""
        found = await self._call(lambda: self._client.stat_object(self._bucket, key))
        return found.size or 0

    async def exists(self, key: str) -> bool:
        """Tell whether there is an object under the key."""
        try:
            await self.size(key)
        except ObjectMissing:
            return False
        return True

    async def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        await self._call(lambda: self._client.remove_object(self._bucket, key))

    async def objects(self, prefix: str) -> AsyncIterator[Sequence[StoredObject]]:
        """Yield the objects whose keys begin like this, in batches that fit into memory."""
        found = self._client.list_objects(self._bucket, prefix, recursive=True)

        def batch() -> Sequence[StoredObject]:
            some = itertools.islice(found, _AT_ONCE)
            return [StoredObject(each.object_name, each.last_modified) for each in some]

        while objects := await self._call(batch):
            yield objects

    async def delete_all(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are not there are no error."""

        def remove() -> list[str]:
            doomed = [DeleteObject(key) for key in keys]
            return [str(error.name) for error in self._client.remove_objects(self._bucket, doomed)]

        if left := await self._call(remove):
            logger.warning("objects could not be removed", keys=left[:10], count=len(left))
            raise Unavailable("The object storage did not remove everything.")

    async def delete_folder(self, prefix: str) -> None:
        """Remove every object whose key begins like this, up to and including a slash."""
        if not prefix.strip("/") or not prefix.endswith("/"):
            raise ValueError(f"{prefix!r} is no folder, and more than meant may be in it")
        async for objects in self.objects(prefix):
            await self.delete_all([each.key for each in objects])

    def public_url(
        self, key: str, *, method: str, expires: timedelta, disposition: str
    ) -> str | None:
        """Return a URL that fetches an object for a while; None if clients cannot get there."""
        if self._s3.public_client is None:
            return None
        url: str = self._s3.public_client.get_presigned_url(
            method,
            self._bucket,
            key,
            expires,
            response_headers={"response-content-disposition": disposition},
        )
        return url

    def close(self) -> None:
        """Let the threads go."""
        self._s3.close()
