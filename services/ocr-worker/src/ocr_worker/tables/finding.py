"""Finds the tables of a page; a page without any costs next to nothing."""

from collections.abc import Sequence

from PIL import Image
from pypdfium2 import PdfPage

from ocr_worker.page_frame import PageFrame
from ocr_worker.reading import Bbox, ReadTable, ReadWord
from ocr_worker.tables.alignment import aligned_tables
from ocr_worker.tables.cells import ruled_tables
from ocr_worker.tables.drawn_rules import drawn_rules
from ocr_worker.tables.geometry import Rule, centre, contains
from ocr_worker.tables.grid import Grid
from ocr_worker.tables.seen_rules import seen_rules

_NEAR = 3.0
"""Points within which lines of a PDF page are the same, as in pdfplumber's settings."""
_NEAR_SEEN = 1 / 40
"""The same for lines in a picture, in inches: they are bent, and thicker."""
_LINES = frozenset("|[]{}()¦")
"""What recognition takes the lines between cells for."""


def tables_of_page(
    page: PdfPage, *, frame: PageFrame, words: Sequence[ReadWord]
) -> list[ReadTable]:
    """Return the tables of a PDF page whose words are known, from the top to the bottom.

    Words and boxes are in points as the page is shown.
    """
    return _tables(drawn_rules(page, frame), words, near=_NEAR)


def tables_of_picture(
    image: Image.Image, *, words: Sequence[ReadWord], dpi: float
) -> list[ReadTable]:
    """Return the tables of a picture whose words were recognised, from the top to the bottom.

    The picture is black and white ("1") or grey ("L"), upright and level; words and boxes are in
    its pixels.
    """
    words = [word for word in words if not _LINES.issuperset(word.text)]
    return _tables(seen_rules(image, words=words, dpi=dpi), words, near=_NEAR_SEEN * dpi)


def _tables(rules: list[Rule], words: Sequence[ReadWord], *, near: float) -> list[ReadTable]:
    tables = _filled(ruled_tables(rules, near=near), words)
    for table in tables:
        words = [word for word in words if not contains(table.bbox, centre(word.bbox))]
    tables += _filled(aligned_tables(words), words)
    return sorted(tables, key=lambda table: (table.bbox[1], table.bbox[0]))


def _filled(tables: list[list[Bbox]], words: Sequence[ReadWord]) -> list[ReadTable]:
    found = (Grid(cells, words).table() for cells in tables)
    return [table for table in found if table is not None]
