"""A stored file, and the answer that sends it: whole, in part, or by a URL of the storage."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime

from common.storage import Chunks, ObjectMissing, Storage
from fastapi import Response
from fastapi.responses import RedirectResponse, StreamingResponse

from documents.content.body import Multipart
from documents.content.errors import RedirectUnavailable
from documents.content.ranges import ByteRange
from documents.content.wish import Wish
from documents.errors import DocumentNotFound
from documents.etags import EntityTag
from documents.sandbox import HARMLESS

Disposition = Callable[[str], str]

_REDIRECT_LIFE = timedelta(minutes=1)


@dataclass(frozen=True)
class StoredContent:
    """A file in object storage as its owner may have it; `size` is in bytes."""

    key: str
    filename: str
    mime_type: str
    size: int
    etag: EntityTag
    modified: datetime
    """In whole seconds, as HTTP counts."""
    sha256: str | None = None
    """In hex; what is sent whole is compared with it."""


class FileAnswer:
    """Sends one file as was wished for, under its name."""

    def __init__(self, storage: Storage, file: StoredContent, disposition: Disposition) -> None:
        self._storage = storage
        self._file = file
        self._disposition = disposition(file.filename)

    async def to(self, wish: Wish) -> Response:
        """Return what was wished for."""
        file = self._file
        if wish.redirect:
            return self._redirect(wish)
        headers = {
            "ETag": str(file.etag),
            "Last-Modified": format_datetime(file.modified, usegmt=True),
            "Cache-Control": "private, no-cache",
            "Accept-Ranges": "bytes",
        }
        wish.conditions.check(file.etag, file.modified)
        if wish.conditions.is_known(file.etag, file.modified):
            return Response(status_code=304, headers=headers)
        headers |= {"Content-Disposition": self._disposition, **HARMLESS}
        ranges = wish.ranges(size=file.size, etag=file.etag, modified=file.modified)
        if wish.method == "HEAD":
            headers["Content-Length"] = str(file.size)
            return Response(media_type=file.mime_type, headers=headers)
        return await self._bytes(ranges, headers)

    def _redirect(self, wish: Wish) -> Response:
        """Send the client to the storage, with a URL that is good for this file and for now."""
        url = self._storage.public_url(
            self._file.key,
            method=wish.method,
            expires=_REDIRECT_LIFE,
            disposition=self._disposition,
        )
        if url is None:
            raise RedirectUnavailable("The setting QUIRE_S3_PUBLIC_ENDPOINT is not set.")
        return RedirectResponse(url, headers={"Cache-Control": "no-store"})

    async def _bytes(self, ranges: list[ByteRange], headers: dict[str, str]) -> Response:
        size, mime_type = self._file.size, self._file.mime_type
        if len(ranges) > 1:
            parts = Multipart(ranges, size=size, mime_type=mime_type)
            headers["Content-Length"] = str(parts.length)
            body = await parts.open(self._open)
            return StreamingResponse(body, 206, headers, media_type=parts.media_type)
        part = ranges[0] if ranges else ByteRange(0, size - 1)
        headers["Content-Length"] = str(part.length)
        if ranges:
            headers["Content-Range"] = part.of(size)
        status = 206 if ranges else 200
        body = await (self._open(part) if ranges else self._open())
        return StreamingResponse(body, status, headers, media_type=mime_type)

    async def _open(self, part: ByteRange | None = None) -> Chunks:
        """Open some bytes of the file, or all; what is sent whole is compared with its hash."""
        key = self._file.key
        try:
            if part is None:
                return await self._storage.open(key, sha256=self._file.sha256)
            return await self._storage.open(key, offset=part.first, length=part.length)
        except ObjectMissing:  # it is being purged at this very moment
            raise DocumentNotFound from None
