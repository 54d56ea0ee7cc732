"""CSV (RFC 4180): the tables one beneath the other, an empty line between two of them.

Spreadsheets take a cell that begins like a formula for one. Such a cell gets an apostrophe before
it, as OWASP recommends against CSV injection, unless it is a number: "-12.50" stays what it is.

Where a semicolon separates cells and a comma is in numbers, a spreadsheet splits our lines at other
places: a cell may begin behind a semicolon, and its end may be in the next of our cells. So what
follows a semicolon is treated in the same way, and the beginning of such a cell is no number when
there is anything in the row that a formula would need to do harm.
"""

import csv
import re
from collections.abc import AsyncIterator, Sequence
from io import StringIO

from documents.exports.pages import MissingPage, StoredPages
from documents.schemas import DocumentOut

_FORMULA = re.compile(r"(?:^|;[ \"]*)(?=[=@+\-＝＠＋－])")
_NUMBER = re.compile(r"\s*[+-]?\s?[€$£]?\s?\d+(?:[.,'’ \u00a0\u202f]\d+)*\s?[%€$£]?\s*")
_HARMFUL = frozenset("(|")
"""Formulas call functions by the one and other programs by the other."""
_SIGN_ALONE = {"-", "+", "－", "＋"}  # as tables have them for "nothing" and "yes"


async def write_csv(_: DocumentOut, pages: StoredPages) -> AsyncIterator[bytes]:
    """Yield the tables, the header row of each first; a document without any gives no bytes."""
    first = True
    async for page in pages.tables():
        if isinstance(page, MissingPage):
            continue  # the format has no place to tell it
        for table in page.tables:
            if table.width:
                rows = [harmless(row) for row in table.all_rows()]
                yield (b"" if first else b"\r\n") + _lines(rows)
                first = False


def harmless(row: Sequence[str]) -> list[str]:
    """Return the cells of a row, each on one line, of which no spreadsheet makes a formula."""
    cells = [" ".join(cell.split()) for cell in row]
    harmful = not all(_HARMFUL.isdisjoint(cell) for cell in cells)
    return [_marked(cell, first=not place, harmful=harmful) for place, cell in enumerate(cells)]


def _marked(cell: str, *, first: bool, harmful: bool) -> str:
    def mark(start: re.Match[str]) -> str:
        inside = start.end() > 0
        end = cell.find(";", start.end()) if inside else -1
        text = cell[start.end() : end if end >= 0 else None]
        number = _NUMBER.fullmatch(text) or text.strip() in _SIGN_ALONE
        open_ended = first or inside
        return start[0] if number and not (open_ended and harmful) else f"{start[0]}'"

    return _FORMULA.sub(mark, cell)


def _lines(rows: list[list[str]]) -> bytes:
    lines = StringIO()
    csv.writer(lines).writerows(rows)
    return lines.getvalue().encode()
