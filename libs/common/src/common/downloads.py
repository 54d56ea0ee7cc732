"""Downloads that go on where a connection broke off, and never end early in silence."""

import contextlib
import hashlib
from collections.abc import AsyncGenerator
from http import HTTPStatus

from minio.error import MinioException
from urllib3 import BaseHTTPResponse

from common.s3 import S3, Headers

Chunks = AsyncGenerator[bytes, None]

SHA256 = "sha256"
"""The metadata of a small object that tells its hash, in hex."""

_READ_BYTES = 256 << 10
_FRUITLESS = 3  # so many connections may break one after the other without a byte


class Download:
    """The bytes of an object, all or some; `length` 0 means to the end.

    The whole of it is compared with its hash, if that is given (in hex) or was stored with it.
    """

    def __init__(
        self, s3: S3, key: str, *, offset: int = 0, length: int = 0, sha256: str | None = None
    ) -> None:
        self._s3 = s3
        self._key = key
        self._offset = offset
        self._missing = length
        self._whole = not (offset or length)
        self._sha256 = sha256
        self._hash = hashlib.sha256()
        self._etag: str | None = None
        self._response: BaseHTTPResponse | None = None

    async def open(self) -> Chunks:
        """Ask for the bytes and return them as a stream, which may raise `Unavailable`.

        Raises `ObjectMissing`, before anything has been promised to whoever waits for them.
        """
        await self._s3.call(self._request)
        return self._stream()

    async def _stream(self) -> Chunks:
        try:
            while self._missing:
                data = await self._s3.call(self._take)
                if not self._missing:  # a body that lacks its end is not taken for the whole
                    await self._s3.call_once(self._check)
                yield data
        finally:
            self._release()

    def read(self) -> bytes:
        """Return all the bytes; for a thread, and to be called once."""
        try:
            self._request()
            data = []
            while self._missing:
                data.append(self._take())
            self._check()
            return b"".join(data)
        finally:
            self._release()

    def _take(self) -> bytes:
        """Return the next bytes; done again after a failure it goes on behind the last ones."""
        response = self._response or self._request()
        try:
            data: bytes = response.read(min(_READ_BYTES, self._missing))
        except BaseException:
            self._release()
            raise
        self._offset += len(data)
        self._missing -= len(data)
        if self._whole:
            self._hash.update(data)
        return data

    def _request(self) -> BaseHTTPResponse:
        """Ask for what is still missing, of the very object that was first found."""
        ranged = bool(self._offset or self._missing)
        same: Headers = {"If-Match": self._etag} if self._etag else {}
        self._response = response = self._s3.client.get_object(
            self._s3.bucket,
            self._key,
            offset=self._offset,
            length=self._missing,
            request_headers=same,
        )
        announced = int(response.headers.get("Content-Length", -1))
        as_asked = ranged == (response.status == HTTPStatus.PARTIAL_CONTENT)
        if not as_asked or announced < 0 or (self._etag and announced != self._missing):
            self._release()
            raise MinioException(f"status {response.status}, {announced} bytes: not as asked for")
        self._etag = response.headers.get("ETag")
        self._sha256 = self._sha256 or response.headers.get(f"x-amz-meta-{SHA256}")
        self._missing = announced
        return response

    def _check(self) -> None:
        if self._whole and self._sha256 not in (None, self._hash.hexdigest()):
            raise MinioException(f"other bytes than were stored as {self._key}")

    def _release(self) -> None:
        """Give the connection back, or close it when there is more to be read from it."""
        response, self._response = self._response, None
        if response is None:
            return
        # A thread may still be reading, and closing would wait for it: it is woken first.
        with contextlib.suppress(ValueError, RuntimeError, OSError):
            response.shutdown()
        response.close()
        response.release_conn()
