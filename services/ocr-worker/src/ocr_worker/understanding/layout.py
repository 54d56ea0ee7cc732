"""Puts the words of pages into rows and cells, as a reader sees them.

The text of a page comes in reading order, which tears labels from the amounts beside them; so rows
are built from the boxes. A row holds cells, which are words with no wide gap between them.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice, pairwise
from math import radians, tan
from statistics import median

from ocr_worker.pages import PageResult
from ocr_worker.understanding.findings import Bbox
from ocr_worker.understanding.folding import fold

FIRST_PAGES, LAST_PAGES = 5, 3
"""Only these are looked at: what an invoice says stands at its beginning or its end."""

_MOST_WORDS = 2_500
_MOST_CHARACTERS = 100_000
_LONGEST_WORD = 60
_MOST_IN_LINE = 100
_LEAST_SHARE = 0.5
_LOWEST = 0.1  # page units; for words without any height
_WIDE_GAP = 1.2  # in heights of a word; a space is a quarter, in typewriter faces three quarters
_FARTHEST = 1e6
_STEEPEST = 30.0  # degrees
_ADVANCE, _LEADING, _HEIGHT = 5.0, 10.0, 7.0
"""How characters are taken to be set where boxes are missing; two spaces are a wide gap then."""
_GLUED = re.compile(r"(?i)(?<=[a-z.)][:#])(?=[^/\s])|(?<=\bn[ro]\.)(?=[a-z]{0,4}-?\d)")
_MEANINGLESS = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A word, or the part of one before or behind a colon.

    `box` is where it stands when the page is upright, and is never without height; `place` is
    where it stands on the page as it is shown, or None if the page told no boxes.
    """

    text: str
    folded: str
    box: Bbox
    confidence: float
    place: Bbox | None


@dataclass(frozen=True)
class Span:
    """Some words that follow each other on a page."""

    page: int
    pieces: tuple[Piece, ...]

    @cached_property
    def text(self) -> str:
        """The words with a space between them."""
        return " ".join(piece.text for piece in self.pieces)

    @property
    def confidence(self) -> float:
        """How sure the reader was of the worst word."""
        return min((piece.confidence for piece in self.pieces), default=0.0)

    @property
    def left(self) -> float:
        """Where the first word begins."""
        return self.pieces[0].box[0]

    @property
    def right(self) -> float:
        """Where the last word ends."""
        return self.pieces[-1].box[2]

    @property
    def height(self) -> float:
        """The height of the tallest word."""
        return max(piece.box[3] - piece.box[1] for piece in self.pieces)

    @property
    def bbox(self) -> Bbox | None:
        """The box around all words; None when one has no place."""
        places = [piece.place for piece in self.pieces if piece.place is not None]
        if len(places) < len(self.pieces):
            return None
        lefts, tops, rights, bottoms = zip(*places, strict=True)
        return min(lefts), min(tops), max(rights), max(bottoms)

    def part(self, start: int, end: int) -> "Span":
        """Return the words that the characters of `text` from start to end belong to."""
        kept, offset = [], 0
        for piece in self.pieces:
            if offset < end and start < offset + len(piece.text):
                kept.append(piece)
            offset += len(piece.text) + 1
        return Span(self.page, tuple(kept))

    def after(self, count: int) -> "Span":
        """Return what follows the first words."""
        return Span(self.page, self.pieces[count:])

    def overlaps(self, other: "Span") -> bool:
        """Whether a part of it stands above or below a part of the other."""
        return self.left < other.right and other.left < self.right


@dataclass(frozen=True)
class Row:
    """What stands on one line of a page, cell by cell from the left."""

    page: int
    cells: tuple[Span, ...]

    @cached_property
    def whole(self) -> Span:
        """All its words."""
        return Span(self.page, tuple(piece for cell in self.cells for piece in cell.pieces))


def lay_out(pages: Sequence[PageResult]) -> list[Row]:
    """Return the rows of the first and the last pages, from top to bottom."""
    chosen = pages
    if len(pages) > FIRST_PAGES + LAST_PAGES:
        chosen = [*pages[:FIRST_PAGES], *pages[-LAST_PAGES:]]
    return [row for page in chosen for row in _rows(page)]


def _rows(page: PageResult) -> Iterator[Row]:
    found = _placed(page) if page.words else _gridded(page)
    pieces = list(islice(found, _MOST_WORDS))
    for line in _lines(pieces) if pieces else ():
        yield Row(page.number, tuple(_cells(page.number, line)))


def _placed(page: PageResult) -> Iterator[Piece]:
    fall = tan(radians(min(max(page.skew, -_STEEPEST), _STEEPEST)))
    for word in page.words:
        x0, y0, x1, y1 = (min(max(edge, -_FARTHEST), _FARTHEST) for edge in word.bbox)
        place = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        left, top, right, bottom = _upright(place, page)
        lower = fall * (left + right) / 2
        box = (left, top - lower, right, max(bottom, top + _LOWEST) - lower)
        yield from _pieces(word.text, box, word.confidence, place)


def _upright(box: Bbox, page: PageResult) -> Bbox:
    x0, y0, x1, y1 = box
    match page.rotation:
        case 90:
            return page.height - y1, x0, page.height - y0, x1
        case 180:
            return page.width - x1, page.height - y1, page.width - x0, page.height - y0
        case 270:
            return y0, page.width - x1, y1, page.width - x0
        case _:
            return box


def _gridded(page: PageResult) -> Iterator[Piece]:
    for number, line in enumerate(page.text[:_MOST_CHARACTERS].split("\n")):
        for match in re.finditer(r"\S+", line):
            top = number * _LEADING
            box = (match.start() * _ADVANCE, top, match.end() * _ADVANCE, top + _HEIGHT)
            yield from _pieces(match[0], box, page.confidence, None)


def _pieces(text: str, box: Bbox, confidence: float, place: Bbox | None) -> Iterator[Piece]:
    for part in _GLUED.split(_MEANINGLESS.sub("", text[:_LONGEST_WORD]), maxsplit=2):
        if part:
            yield Piece(part, fold(part), box, confidence, place)


@dataclass(slots=True)
class _Line:
    pieces: list[Piece]

    def share(self, piece: Piece) -> float:
        """Return how much of the lower of the two stands beside the other, 0 to 1."""
        _, top, _, bottom = piece.box
        _, last_top, _, last_bottom = self.pieces[-1].box
        common = min(last_bottom, bottom) - max(last_top, top)
        return common / min(last_bottom - last_top, bottom - top)


def _lines(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Give each word, from left to right, to the line whose last word it stands beside.

    Lines may therefore rise or fall slowly, as on a scan that is askew. They are kept by the band
    of the page in which they end, so that a word is compared with those around it only.
    """
    bands: dict[int, list[_Line]] = defaultdict(list)
    full: list[_Line] = []
    height = median(bottom - top for _, top, _, bottom in (piece.box for piece in pieces))
    for piece in sorted(pieces, key=lambda piece: piece.box[0]):
        band = int(_middle(piece) / height)
        around = [(each, line) for each in (band - 1, band, band + 1) for line in bands[each]]
        where, best = max(around, key=lambda each: each[1].share(piece), default=(band, None))
        if best is None or best.share(piece) < _LEAST_SHARE:
            bands[band].append(_Line([piece]))
            continue
        best.pieces.append(piece)
        bands[where].remove(best)
        (full if len(best.pieces) >= _MOST_IN_LINE else bands[band]).append(best)
    lines = [*full, *chain.from_iterable(bands.values())]
    return [line.pieces for line in sorted(lines, key=lambda line: _middle(line.pieces[0]))]


def _middle(piece: Piece) -> float:
    return (piece.box[1] + piece.box[3]) / 2


def _cells(page: int, pieces: list[Piece]) -> Iterator[Span]:
    start = 0
    for index, (piece, following) in enumerate(pairwise(pieces), start=1):
        height = max(piece.box[3] - piece.box[1], following.box[3] - following.box[1])
        if following.box[0] - piece.box[2] > _WIDE_GAP * height:
            yield Span(page, tuple(pieces[start:index]))
            start = index
    yield Span(page, tuple(pieces[start:]))
