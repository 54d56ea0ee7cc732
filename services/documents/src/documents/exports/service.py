"""What can be done with all that was read of a document: take it along."""

import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from uuid import UUID

from common.storage import Storage
from fastapi import Response
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from documents.conditions import Conditions
from documents.disposition import attachment
from documents.etags import EntityTag
from documents.exports.csv_tables import write_csv
from documents.exports.errors import NothingRead
from documents.exports.hocr import write_hocr
from documents.exports.json_lists import write_pages, write_tables
from documents.exports.markdown import write_markdown
from documents.exports.pages import ExpectedPage, StoredPages
from documents.exports.plain_text import write_text
from documents.exports.schemas import ExportFormat
from documents.exports.xlsx_tables import write_xlsx
from documents.jobs.repository import JobRepository
from documents.repository import DocumentRepository
from documents.sandbox import HARMLESS
from documents.schemas import DocumentOut

_REVISION = "1"
"""To be raised when the same pages are written otherwise than before: then the ETag changes."""


@dataclass(frozen=True)
class _Kind:
    media_type: str
    write: Callable[[DocumentOut, StoredPages], AsyncIterator[bytes]]


_EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMATS = {
    ExportFormat.TXT: _Kind("text/plain; charset=utf-8", write_text),
    ExportFormat.MD: _Kind("text/markdown; charset=utf-8", write_markdown),
    ExportFormat.JSON: _Kind("application/json", write_pages),
    ExportFormat.HOCR: _Kind("text/vnd.hocr+html; charset=utf-8", write_hocr),
    ExportFormat.CSV: _Kind("text/csv; charset=utf-8; header=present", write_csv),
    ExportFormat.XLSX: _Kind(_EXCEL, write_xlsx),
}
_TABLES = _Kind("application/json", write_tables)
MEDIA_TYPES = tuple(kind.media_type for kind in _FORMATS.values())


class ExportService:
    """Answers with what was read, written in some format while it is sent."""

    def __init__(self, session: AsyncSession, storage: Storage) -> None:
        self._session = session
        self._storage = storage
        self._documents = DocumentRepository(session)
        self._jobs = JobRepository(session)

    async def export(
        self,
        owner_id: UUID,
        document_id: UUID,
        export_format: ExportFormat,
        conditions: Conditions,
        *,
        head: bool = False,
    ) -> Response:
        """Return the owner's document in a format, to be saved; raises `NothingRead`."""
        kind = _FORMATS[export_format]
        return await self._answer(owner_id, document_id, kind, conditions, export_format, head=head)

    async def tables(
        self, owner_id: UUID, document_id: UUID, conditions: Conditions, *, head: bool = False
    ) -> Response:
        """Return the tables of the owner's document; raises `NothingRead`."""
        return await self._answer(owner_id, document_id, _TABLES, conditions, head=head)

    async def _answer(
        self,
        owner_id: UUID,
        document_id: UUID,
        kind: _Kind,
        conditions: Conditions,
        suffix: str = "",
        *,
        head: bool,
    ) -> Response:
        document = await self._documents.get(document_id, owner_id=owner_id)
        pages = await self._jobs.pages(document.job.id)
        shown = DocumentOut.model_validate(document)
        await self._session.close()  # the storage may be slow: nobody waits for our connection
        if not any(page.was_read for page in pages):
            raise NothingRead(shown.error.title if shown.error else "")
        expected = ExpectedPage.all_of(pages, total=shown.page_count)
        etag = _etag(shown, expected, kind)
        headers = {"ETag": str(etag), "Cache-Control": "private, no-cache", **HARMLESS}
        conditions.check(etag)
        if conditions.is_known(etag):
            return Response(status_code=304, headers=headers)
        if suffix:
            name = PurePosixPath(shown.filename).stem or "document"
            headers["Content-Disposition"] = attachment(f"{name}.{suffix}")
        if head:
            return Response(headers=headers, media_type=kind.media_type)
        stored = StoredPages(self._storage, expected)
        await stored.open()
        return StreamingResponse(kind.write(shown, stored), 200, headers, kind.media_type)


def _etag(document: DocumentOut, expected: list[ExpectedPage], kind: _Kind) -> EntityTag:
    """Name what an export is made of. It is weak, since the bytes are not known beforehand."""
    made_of = hashlib.sha256(f"{_REVISION} {kind.write.__name__} ".encode())
    made_of.update(document.model_dump_json().encode())
    for page in expected:
        made_of.update(f" {page}".encode())
    return EntityTag(made_of.hexdigest(), weak=True)
