"""Answers questions about one document, which nobody has to have stored before."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice

from common.answering import Answers
from common.asking import ToldProblem
from common.errors import Problem
from common.storage import Storage
from contracts import (
    AboutDocument,
    AskDrawnPage,
    AskPdfInfo,
    AskPdfMatches,
    AskPdfPage,
    AskPdfTables,
    DrawnPage,
    PdfInfo,
    PdfMatches,
    PdfPage,
    PdfPageMatches,
    PdfPicture,
    PdfTable,
    PdfTables,
)

from ocr_worker import products
from ocr_worker.box import Box
from ocr_worker.errors import DocumentGone, PageError, ReadingError
from ocr_worker.inspections import Look, facts, look
from ocr_worker.opening import Opened, Opener
from ocr_worker.rendering import LONGEST_SIDE
from ocr_worker.searching import matches_in, pattern_for

_INFO_SECONDS = 10.0
"""How long is looked for text and for tables, before that is left unknown."""
_MOST_TABLES = 1_000
_MOST_CELL_CHARS = 2_000_000
_MOST_CONTEXTS = 1_000


class NoSuchPage(Problem):
    """The document ends before this page."""

    status, slug, title = 422, "no-such-page", "The document has no such page"


class ToolService:
    """Answers each question with the document in a box of its own."""

    def __init__(self, storage: Storage, opener: Opener) -> None:
        self._storage = storage
        self._opener = opener

    def answers(self) -> Answers:
        """Return which question is answered by what."""
        return {
            AskPdfInfo: self.info,
            AskPdfTables: self.tables,
            AskPdfMatches: self.search,
            AskPdfPage: self.page,
            AskDrawnPage: self.draw,
        }

    async def info(self, question: AskPdfInfo) -> PdfInfo:
        """Tell what a PDF is; its pages are looked at only until that is known."""
        async with self._opened(question) as opened:
            told = await facts(opened.box)
            has_text, has_tables = await _contents(opened.box)
            return PdfInfo(
                page_count=opened.box.pages,
                metadata=told.metadata,
                encrypted=told.encrypted,
                has_text=has_text,
                has_tables=has_tables,
            )

    async def tables(self, question: AskPdfTables) -> PdfTables:
        """Return the tables of a PDF, the rows of the last ones cut off if they are too many."""
        tables: list[PdfTable] = []
        unreadable: list[int] = []
        count, left = 0, _MOST_CELL_CHARS
        async with self._opened(question) as opened:
            for number in _numbers(opened.box):
                page = await _look(opened.box, number, tables=True)
                if page is None:
                    unreadable.append(number)
                    continue
                count += len(page.tables)
                for table in _tables(page)[: _MOST_TABLES - len(tables)]:
                    kept, left = _cut(table, left)
                    tables.append(kept)
        return PdfTables(
            tables_count=count, tables=tuple(tables), unreadable_pages=tuple(unreadable)
        )

    async def search(self, question: AskPdfMatches) -> PdfMatches:
        """Find a text on the pages of a PDF."""
        pattern = pattern_for(question.search_term)
        found: list[PdfPageMatches] = []
        unreadable: list[int] = []
        left = _MOST_CONTEXTS
        async with self._opened(question) as opened:
            for number in _numbers(opened.box):
                page = await _look(opened.box, number)
                if page is None:
                    unreadable.append(number)
                    continue
                context = tuple(islice(matches_in(page.text, pattern), left))
                left -= len(context)
                matches = sum(1 for _ in pattern.finditer(page.text))
                if matches:
                    found.append(PdfPageMatches(page=number, matches=matches, context=context))
        return PdfMatches(
            search_term=question.search_term,
            total_matches=sum(page.matches for page in found),
            matches_by_page=tuple(found),
            unreadable_pages=tuple(unreadable),
        )

    async def page(self, question: AskPdfPage) -> PdfPage:
        """Return what is stored on a page of a PDF; raises `NoSuchPage`."""
        async with self._opened(question) as opened:
            _refuse_beyond(opened.box, question.page)
            page = await look(opened.box, question.page, tables=True, pictures=True)
        return PdfPage(
            page=page.number,
            width=page.width,
            height=page.height,
            rotation=page.rotation,
            text=page.text,
            tables=tuple(_tables(page)),
            images=tuple(PdfPicture(**picture.model_dump()) for picture in page.pictures),
        )

    async def draw(self, question: AskDrawnPage) -> DrawnPage:
        """Draw a page of any document, and leave the picture where it is wanted.

        Raises `NoSuchPage`.
        """
        async with self._opened(question) as opened:
            _refuse_beyond(opened.box, question.page)
            target = opened.folder / "picture"
            picture = await products.draw(
                *(opened.box, question.page, target),
                width=question.width,
                height=question.height or LONGEST_SIDE,
            )
            await self._storage.put(
                question.target_key, target.read_bytes(), content_type=picture.media_type
            )
        return DrawnPage(width=picture.width, height=picture.height)

    @asynccontextmanager
    async def _opened(self, question: AboutDocument) -> AsyncIterator[Opened]:
        """Open a document; what of it cannot be read, is told by its name."""
        try:
            async with self._opener.open(question) as opened:
                yield opened
        except ReadingError as error:
            raise _problem(error) from error


async def _contents(box: Box) -> tuple[bool | None, bool | None]:
    """Return whether text is stored on any page, and whether there are tables in it."""
    until = time.monotonic() + _INFO_SECONDS
    has_text = has_tables = False
    for number in _numbers(box):
        page = await _look(box, number, tables=True)
        has_text |= page is not None and bool(page.text)
        has_tables |= page is not None and bool(page.tables)
        if has_text and has_tables:
            break
        if time.monotonic() > until and number < box.pages:
            return has_text or None, has_tables or None
    return has_text, has_tables


def _numbers(box: Box) -> range:
    return range(1, box.pages + 1)


async def _look(box: Box, number: int, *, tables: bool = False) -> Look | None:
    """Look at a page; None when it cannot be read."""
    try:
        return await look(box, number, tables=tables)
    except PageError:
        return None


def _refuse_beyond(box: Box, page: int) -> None:
    if page > box.pages:
        raise NoSuchPage(f"The last page is {box.pages}.")


def _tables(page: Look) -> list[PdfTable]:
    return [
        PdfTable(
            page=page.number,
            table_index=index,
            bbox=table.bbox,
            headers=table.headers,
            rows=table.rows,
            total_rows=len(table.rows),
        )
        for index, table in enumerate(page.tables)
    ]


def _cut(table: PdfTable, chars: int) -> tuple[PdfTable, int]:
    """Return a table with as many of its rows as there is room for, and the room that is left."""
    rows = []
    for row in table.rows:
        chars -= sum(map(len, row))
        if chars < 0:
            break
        rows.append(row)
    return table.model_copy(update={"rows": tuple(rows)}), max(chars, 0)


def _problem(error: ReadingError) -> Problem:
    status = 404 if isinstance(error, DocumentGone) else 422
    told = ToldProblem(status=status, slug=error.slug, title=error.title, detail=error.detail)
    return told.problem()
