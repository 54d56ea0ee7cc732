"""Copies of objects, made by the S3 server: no byte of them passes through here."""

from http import HTTPStatus
from urllib.parse import quote

from minio.error import S3Error

from common.errors import Unavailable
from common.multiparts import Multiparts
from common.s3 import S3, Headers, content_type_header

# S3 would copy 5 GiB with one request, but is silent meanwhile: the answer must come in time.
_PIECE_BYTES = 64 << 20


class ObjectChanged(LookupError):
    """There is another object under the key than there was before."""


class Copies:
    """Copies within one bucket."""

    def __init__(self, s3: S3, multiparts: Multiparts) -> None:
        self._s3 = s3
        self._multiparts = multiparts

    async def copy(
        self, source: str, target: str, *, size: int, etag: str, content_type: str
    ) -> None:
        """Copy an object of `size` bytes, if it still has this ETag.

        Raises `ObjectMissing`, `ObjectChanged`; nothing is visible under the new key then.
        """
        headers: Headers = {
            "x-amz-copy-source": quote(f"/{self._s3.bucket}/{source}"),
            "x-amz-copy-source-if-match": etag,
        }
        if size > _PIECE_BYTES:
            await self._in_pieces(target, headers, size, content_type)
            return
        replaced = {"x-amz-metadata-directive": "REPLACE", **content_type_header(content_type)}
        await self._s3.call(lambda: self._copy(target, headers | replaced))

    async def _in_pieces(self, key: str, headers: Headers, size: int, content_type: str) -> None:
        upload = await self._multiparts.begin(key, content_type=content_type)
        try:
            parts = []
            for number, first in enumerate(range(0, size, _PIECE_BYTES), 1):
                last = min(first + _PIECE_BYTES, size) - 1
                piece = headers | {"x-amz-copy-source-range": f"bytes={first}-{last}"}
                parts.append((number, await self._copy_piece(key, upload, number, piece)))
            await self._multiparts.complete(key, upload, parts)
        except BaseException:
            await self._multiparts.discard(key, upload)
            raise

    async def _copy_piece(self, key: str, upload: str, number: int, headers: Headers) -> str:
        return await self._s3.call(lambda: self._upload_part_copy(key, upload, number, headers))

    def _copy(self, key: str, headers: Headers) -> None:
        try:
            self._s3.client._execute("PUT", self._s3.bucket, key, headers=headers)
        except S3Error as error:
            _raise_if_changed(error)
            raise

    def _upload_part_copy(self, key: str, upload: str, number: int, headers: Headers) -> str:
        try:
            etag, _ = self._s3.client._upload_part_copy(
                self._s3.bucket, key, upload, number, headers
            )
        except S3Error as error:
            _raise_if_changed(error)
            raise
        except ValueError as error:  # S3 may answer 200 with an error in the body
            raise Unavailable("The object storage did not copy the file.") from error
        return str(etag)


def _raise_if_changed(error: S3Error) -> None:
    if error.response.status == HTTPStatus.PRECONDITION_FAILED:
        raise ObjectChanged(error.object_name) from error
