"""What can be done with the file of a document: fetch it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import partial
from uuid import UUID

from common.storage import Chunks, ObjectMissing, Storage
from fastapi import Response
from fastapi.responses import RedirectResponse, StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from documents.content.body import Multipart
from documents.content.errors import RedirectUnavailable
from documents.content.ranges import ByteRange
from documents.content.wish import Wish
from documents.errors import DocumentNotFound
from documents.etags import EntityTag
from documents.models import Document
from documents.repository import DocumentRepository

Disposition = Callable[[str], str]

_REDIRECT_LIFE = timedelta(minutes=1)
# A user's file is shown by browsers, and may be anything: it gets no script, no form, no neighbour.
_HARMLESS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class ContentService:
    """Answers with the bytes of files."""

    def __init__(self, session: AsyncSession, storage: Storage) -> None:
        self._session = session
        self._storage = storage
        self._documents = DocumentRepository(session)

    async def answer(
        self, owner_id: UUID, document_id: UUID, wish: Wish, disposition: Disposition
    ) -> Response:
        """Return what was wished for of the owner's document, under its name."""
        document = await self._documents.get(document_id, owner_id=owner_id)
        await self._session.close()  # the storage may be slow: nobody waits for our connection
        if wish.redirect:
            return self._redirect(document, wish, disposition)
        etag, modified = EntityTag(document.file_hash), _modified(document)
        headers = {
            "ETag": str(etag),
            "Last-Modified": format_datetime(modified, usegmt=True),
            "Cache-Control": "private, no-cache",
            "Accept-Ranges": "bytes",
        }
        wish.conditions.check(etag, modified)
        if wish.conditions.is_known(etag, modified):
            return Response(status_code=304, headers=headers)
        headers |= {"Content-Disposition": disposition(document.filename), **_HARMLESS}
        ranges = wish.ranges(size=document.file_size, etag=etag, modified=modified)
        if wish.method == "HEAD":
            headers["Content-Length"] = str(document.file_size)
            return Response(media_type=document.mime_type, headers=headers)
        return await self._bytes(document, ranges, headers)

    def _redirect(self, document: Document, wish: Wish, disposition: Disposition) -> Response:
        """Send the client to the storage, with a URL that is good for this file and for now."""
        url = self._storage.public_url(
            document.object_key,
            method=wish.method,
            expires=_REDIRECT_LIFE,
            disposition=disposition(document.filename),
        )
        if url is None:
            raise RedirectUnavailable("The setting QUIRE_S3_PUBLIC_ENDPOINT is not set.")
        return RedirectResponse(url, headers={"Cache-Control": "no-store"})

    async def _bytes(
        self, document: Document, ranges: list[ByteRange], headers: dict[str, str]
    ) -> Response:
        size, open_range = document.file_size, partial(self._open, document.object_key)
        if len(ranges) > 1:
            parts = Multipart(ranges, size=size, mime_type=document.mime_type)
            headers["Content-Length"] = str(parts.length)
            body = await parts.open(open_range)
            return StreamingResponse(body, 206, headers, media_type=parts.media_type)
        part = ranges[0] if ranges else ByteRange(0, size - 1)
        headers["Content-Length"] = str(part.length)
        if ranges:
            headers["Content-Range"] = part.of(size)
        status = 206 if ranges else 200
        body = await open_range(part)
        return StreamingResponse(body, status, headers, media_type=document.mime_type)

    async def _open(self, key: str, part: ByteRange) -> Chunks:
        try:
            return await self._storage.open(key, offset=part.first, length=part.length)
        except ObjectMissing:  # it is being purged at this very moment
            raise DocumentNotFound from None


def _modified(document: Document) -> datetime:
    return document.created_at.replace(microsecond=0)  # HTTP counts in seconds
