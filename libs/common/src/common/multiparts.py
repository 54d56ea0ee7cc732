"""Uploads in parts: an object that is sent piece by piece, and appears whole or not at all."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from minio.datatypes import ListMultipartUploadsResult, Part

from common.errors import Unavailable
from common.s3 import S3, content_type_header


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

    async def complete(self, key: str, upload: str, parts: Sequence[tuple[int, str]]) -> None:
        """Make the object of numbered parts with their ETags; raises `MultipartMissing`."""
        whole = [Part(number, etag) for number, etag in parts]
        done = await self._s3.call(
            lambda: self._s3.client._complete_multipart_upload(self._s3.bucket, key, upload, whole)
        )
        if not done.etag:  # S3 may answer 200 with an error in the body
            raise Unavailable("The object storage did not keep the file.")

    async def abort(self, key: str, upload: str) -> None:
        """Discard what was sent; raises `MultipartMissing`."""
        await self._s3.call(
            lambda: self._s3.client._abort_multipart_upload(self._s3.bucket, key, upload)
        )

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
