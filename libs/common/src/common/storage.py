"""Object storage: any S3 server.

Bytes are streamed in parts of `PART_BYTES`, so that memory does not grow with the file.
"""

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from minio.deleteobjects import DeleteObject

from common.copying import Copies
from common.downloads import SHA256, Chunks, Download
from common.errors import Unavailable
from common.multiparts import Multiparts
from common.parts import PART_BYTES, in_parts
from common.presigned import PresignedPut, presign_put
from common.s3 import S3, MultipartMissing, ObjectMissing, content_type_header
from common.settings import StorageSettings

__all__ = ["Chunks", "ObjectMissing", "Storage", "StoredObject"]

logger = structlog.get_logger(__name__)

_AT_ONCE = 1000  # S3 lists and deletes that many with one request


@dataclass(frozen=True)
class StoredObject:
    """An object as a listing tells of it."""

    key: str
    modified: datetime


@dataclass(frozen=True)
class ObjectState:
    """What an object is at the moment; with other bytes it has another ETag."""

    size: int
    etag: str


class Storage:
    """One bucket. Every method raises `Unavailable` when the server does not answer."""

    def __init__(self, settings: StorageSettings) -> None:
        self._s3 = S3(settings)
        self._bucket = self._s3.bucket
        self._client = self._s3.client
        self._call = self._s3.call
        self._settings = settings
        self.multiparts = Multiparts(self._s3)
        self.copies = Copies(self._s3, self.multiparts)

    async def ping(self) -> None:
        """Raise unless the bucket can be reached."""
        if not await self._call(lambda: self._client.bucket_exists(self._bucket)):
            raise Unavailable(f"The bucket {self._bucket} does not exist.")

    async def put(self, key: str, data: bytes, *, content_type: str) -> None:
        """Store a small object whole, with its hash."""
        headers = content_type_header(content_type)
        headers[f"x-amz-meta-{SHA256}"] = hashlib.sha256(data).hexdigest()
        await self._call(lambda: self._client._put_object(self._bucket, key, data, headers))

    async def put_stream(
        self,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        content_type: str,
        is_new: bool = True,
    ) -> None:
        """Store a stream of unknown length; nothing is visible under the key before its end.

        Whatever `chunks` raises goes through, after the parts already sent are discarded. The
        next parts are read while some are being sent, and a thread is used only for these. If the
        key is new, nothing is left under it by a failure; else what was there before stays.
        """
        parts = in_parts(chunks)
        first = await anext(parts, b"")
        if len(first) < PART_BYTES:
            await self.put(key, first, content_type=content_type)
            return
        parts = _from(first, parts)
        del first  # it need not be kept until the end
        upload = await self.multiparts.begin(key, content_type=content_type)
        try:
            sent = await self.multiparts.put_parts(key, upload, parts)
            await self.multiparts.complete(key, upload, sent)
        except BaseException as error:
            await self.multiparts.discard(key, upload)
            if is_new:  # the object is there if but the answer to its completion was lost
                await self.discard(key)
            if isinstance(error, MultipartMissing):
                raise Unavailable("The object storage has lost what was sent.") from error
            raise

    async def get(self, key: str) -> bytes:
        """Return a small object whole; raises `ObjectMissing`."""
        return await self._call(lambda: Download(self._s3, key).read())

    async def open(
        self, key: str, *, offset: int = 0, length: int = 0, sha256: str | None = None
    ) -> Chunks:
        """Open an object and return its bytes; `length` 0 means to the end.

        Raises `ObjectMissing`, before anything has been promised to whoever waits for them. The
        stream goes on where a connection breaks, and else raises `Unavailable`: it never just
        ends, nor is it the whole with another hash than `sha256` (in hex), if that is given.
        """
        download = Download(self._s3, key, offset=offset, length=length, sha256=sha256)
        return await download.open()

    async def download(self, key: str, path: Path) -> None:
        """Write an object to a file; raises `ObjectMissing`."""
        async with aclosing(await self.open(key)) as chunks:
            with await asyncio.to_thread(path.open, "wb") as file:
                async for data in chunks:
                    await asyncio.to_thread(file.write, data)

    async def size(self, key: str) -> int:
        """Return how many bytes an object has; raises `ObjectMissing`."""
        return (await self.state(key)).size

    async def state(self, key: str) -> ObjectState:
        """Return how an object is now; raises `ObjectMissing`."""
        found = await self._call(lambda: self._client.stat_object(self._bucket, key))
        return ObjectState(found.size or 0, found.etag or "")

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

    async def discard(self, *keys: str) -> None:
        """Remove objects after a failure, for a few seconds and without another one."""
        await self._s3.tidy(lambda: self._remove(keys))

    async def objects(self, prefix: str) -> AsyncIterator[Sequence[StoredObject]]:
        """Yield the objects whose keys begin like this, in batches that fit into memory."""
        last: str | None = None

        def batch() -> Sequence[StoredObject]:
            found = self._client.list_objects(
                self._bucket, prefix, recursive=True, start_after=last
            )
            some = itertools.islice(found, _AT_ONCE)
            return [StoredObject(each.object_name, each.last_modified) for each in some]

        while objects := await self._call(batch):
            yield objects
            last = objects[-1].key

    async def delete_all(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are not there are no error."""
        if left := await self._call(lambda: self._remove(keys)):
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

    def public_put(self, key: str, *, size: int, expires: timedelta) -> PresignedPut | None:
        """Let a client write `size` bytes under a key; None if clients cannot get there."""
        return presign_put(self._settings, key, size=size, expires=expires)

    def close(self) -> None:
        """Let the threads go."""
        self._s3.close()

    def _remove(self, keys: Sequence[str]) -> list[str]:
        doomed = [DeleteObject(key) for key in keys]
        return [str(error.name) for error in self._client.remove_objects(self._bucket, doomed)]


async def _from(first: bytes, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    del first
    async for part in parts:
        yield part
