"""JSON: the document with all its pages, or its tables alone; in the end, what is missing."""

import json
from collections.abc import AsyncIterator, Iterator

from documents.exports.pages import MissingPage, StoredPages, TablePage
from documents.exports.schemas import MissingPageOut, TableOut
from documents.schemas import DocumentOut


async def write_pages(document: DocumentOut, pages: StoredPages) -> AsyncIterator[bytes]:
    """Yield `{document, pages, missing_pages}`."""
    yield b'{"document":' + document.model_dump_json().encode() + b',"pages":['
    missing: list[MissingPageOut] = []
    separator = b""
    async for page in pages.whole():
        if isinstance(page, MissingPage):
            missing.append(MissingPageOut(number=page.number, reason=page.reason))
        else:
            yield separator + page.model_dump_json().encode()
            separator = b","
    yield b"]," + _members(missing_pages=[page.model_dump() for page in missing]) + b"}"


async def write_tables(document: DocumentOut, pages: StoredPages) -> AsyncIterator[bytes]:
    """Yield a `TablesOut`."""
    yield b"{" + _members(document_id=str(document.id)) + b',"tables":['
    missing: list[MissingPageOut] = []
    count = 0
    async for page in pages.tables():
        if isinstance(page, MissingPage):
            missing.append(MissingPageOut(number=page.number, reason=page.reason))
            continue
        for table in _tables(page):
            yield (b"," if count else b"") + table.model_dump_json().encode()
            count += 1
    missing_pages = [page.model_dump() for page in missing]
    yield b"]," + _members(tables_count=count, missing_pages=missing_pages) + b"}"


def _tables(page: TablePage) -> Iterator[TableOut]:
    for index, table in enumerate(page.tables):
        headers, *rows = table.all_rows()
        yield TableOut(
            page=page.number,
            table_index=index,
            bbox=table.bbox,
            headers=headers,
            rows=rows,
            total_rows=len(rows),
        )


def _members(**members: object) -> bytes:
    """Return members of an object without the braces around them."""
    return json.dumps(members, ensure_ascii=False, separators=(",", ":"))[1:-1].encode()
