"""A workbook with a sheet for each table, and one that names the pages that are missing.

Every cell is a string, as it stood on the page: no formula, no link, no number that a spreadsheet
would take for a date.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from documents.exports.pages import MissingPage, StoredPages, TablePage
from documents.schemas import DocumentOut

_MOST_SHEETS = 50
"""Each is a file that stays open until the end; the tables after them share the last sheets."""
_MOST_ROWS, _MOST_COLUMNS, _MOST_CHARS = 1_048_576, 16_384, 32_767
_CUT = "…"
_READ_BYTES = 256 << 10
_ALL_CELLS = f"A1:XFD{_MOST_ROWS}"


async def write_xlsx(document: DocumentOut, pages: StoredPages) -> AsyncIterator[bytes]:
    """Yield the workbook, after it has been written whole to a temporary file.

    It has a thread of its own, so that whatever becomes of the request, the file is closed and
    removed after the last write, and nobody else waits for that.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix="xlsx")
    run = partial(asyncio.get_running_loop().run_in_executor, thread)
    book = _Book(created=document.created_at)
    try:
        async for page in pages.tables():
            if isinstance(page, MissingPage):
                book.missing.append(page)
            elif page.tables:
                await run(book.add, page)
        await run(book.finish)
        with book.path.open("rb") as file:
            while data := await run(file.read, _READ_BYTES):
                yield data
    finally:
        thread.submit(book.discard)
        thread.shutdown(wait=False)


class _Book:
    """A workbook that is written row by row, in a folder of its own with its temporary files."""

    def __init__(self, *, created: datetime) -> None:
        self.missing: list[MissingPage] = []
        self._folder = TemporaryDirectory(prefix="export-")
        self.path = Path(self._folder.name) / "export.xlsx"
        options = {"constant_memory": True, "tmpdir": self._folder.name, "use_zip64": True}
        self._workbook = Workbook(str(self.path), options)
        # The library would write down the current time, and the same export would differ.
        self._workbook.set_properties({"created": created.astimezone(UTC).replace(tzinfo=None)})
        self._bold = self._workbook.add_format({"bold": True})
        self._shared: Worksheet | None = None
        self._sheets = 0
        self._row = 0

    def add(self, page: TablePage) -> None:
        """Write the tables of a page."""
        for index, table in enumerate(page.tables):
            if not table.width:
                continue
            rows = table.all_rows()
            name = f"Page {page.number} table {index + 1}"
            if self._sheets < _MOST_SHEETS:
                self._write(self._sheet(name), rows)
            else:
                self._write(self._shared_sheet(len(rows)), [[name], *rows], head=1)
                self._row += 1

    def finish(self) -> None:
        """Name what is missing and close the file; it must have a sheet in any case."""
        if self.missing:
            rows = [["Page", "Why it was not read"]]
            rows += [[str(page.number), page.reason] for page in self.missing]
            self._write(self._sheet("Missing pages"), rows)
        if not self._sheets:
            self._write(self._sheet("No tables"), [["The document has no tables."]])
        self._workbook.close()

    def discard(self) -> None:
        """Remove the files; those of a workbook that was not finished are closed by finishing."""
        try:
            if not self._workbook.fileclosed:
                self._workbook.close()
        finally:
            self._folder.cleanup()

    def _sheet(self, name: str) -> Worksheet:
        """Begin a sheet; the names are our own, short and free of what Excel forbids."""
        self._sheets += 1
        self._row = 0
        sheet = self._workbook.add_worksheet(name)
        sheet.ignore_errors({"number_stored_as_text": _ALL_CELLS})
        return sheet

    def _shared_sheet(self, rows: int) -> Worksheet:
        """Return the sheet for further tables; when it is full, a new one."""
        if self._shared is None or self._row + rows + 2 > _MOST_ROWS:
            number = self._sheets - _MOST_SHEETS + 1
            self._shared = self._sheet(f"More tables {number}")
        return self._shared

    def _write(self, sheet: Worksheet, rows: Sequence[Sequence[str]], *, head: int = 0) -> None:
        for number, row in enumerate(rows[: _MOST_ROWS - self._row]):
            cell_format = self._bold if number <= head else None
            for column, cell in enumerate(row[:_MOST_COLUMNS]):
                sheet.write_string(self._row, column, _fitting(cell), cell_format)
            self._row += 1


def _fitting(cell: str) -> str:
    """Return as much of a cell as Excel takes, and a mark where it has been cut."""
    return cell if len(cell) <= _MOST_CHARS else cell[: _MOST_CHARS - len(_CUT)] + _CUT
