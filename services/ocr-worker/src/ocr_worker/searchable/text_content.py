"""Writes words as a content stream that shows nothing (ISO 32000-2, 9.3.6: rendering mode 3).

Positions are those of the page as it is shown, turned into the page's own by one matrix. Words of
scripts that run leftwards are written in the order in which they are seen, from left to right, as
readers expect it and turn it round by themselves.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from ocr_worker.page_frame import PageFrame
from ocr_worker.reading import ReadWord
from ocr_worker.searchable.directions import (
    Direction,
    across,
    along,
    lines_of,
    reads_leftwards,
)
from ocr_worker.searchable.glyphless import ADVANCE, DESCENT, GlyphlessFont

_STRAIGHT = 1.6
"""A line that is more than so much higher than its highest word is slanted."""
_THINNEST = 1.0  # points; a font of no size has no place
_SPECIAL = re.compile(rb"[()\\]")
_MIRRORED = str.maketrans("()[]{}<>«»‹›", ")(][}{><»«›‹")


def text_content(
    words: Sequence[ReadWord],
    *,
    size: tuple[float, float],
    frame: PageFrame,
    font: GlyphlessFont,
    name: str,
) -> bytes:
    """Return the content stream that lays words over a page.

    `size` is the width and height of the page in the units of the words' boxes; `name` is what
    the page's resources call the font, with its slash.
    """
    width, height = frame.size
    x, y = width / size[0], height / size[1]
    scaled = [
        ReadWord(text, (x0 * x, y0 * y, x1 * x, y1 * y), confidence)
        for text, (x0, y0, x1, y1), confidence in words
    ]
    parts = [b"q", _numbers(*_onto_page(frame)) + b" cm", b"BT 3 Tr"]
    for direction, line in lines_of(scaled):
        parts += _line(line, direction, height, font, name.encode())
    return b"\n".join([*parts, b"ET", b"Q"])


def _onto_page(frame: PageFrame) -> tuple[float, float, float, float, float, float]:
    """Return the matrix from the shown page, y upwards, to the page's own coordinates."""
    match frame.rotation:
        case 90:
            return 0, 1, -1, 0, frame.right, frame.bottom
        case 180:
            return -1, 0, 0, -1, frame.right, frame.top
        case 270:
            return 0, -1, 1, 0, frame.left, frame.top
        case _:
            return 1, 0, 0, 1, frame.left, frame.bottom


def _line(
    line: Sequence[ReadWord],
    direction: Direction,
    page_height: float,
    font: GlyphlessFont,
    name: bytes,
) -> Iterator[bytes]:
    edges = [across(word.bbox, direction) for word in line]
    low, high = min(edge[0] for edge in edges), max(edge[1] for edge in edges)
    thickest = max(high - low for low, high in edges)
    straight = high - low <= _STRAIGHT * thickest
    size = max(high - low if straight else thickest, _THINNEST)
    yield b"%s %s Tf" % (name, _numbers(size))
    descent = DESCENT * size
    starts = [along(word.bbox, direction)[0] for word in line]
    if direction is Direction.LEFT:
        yield _numbers(*_place(direction, starts[0], (low, high), descent, page_height)) + b" Tm"
        yield _in_one_piece(line, direction, size, font)
        return
    for index, word in enumerate(line):
        if index and straight:
            yield b"%s 0 Td" % _numbers(starts[index] - starts[index - 1])
        else:
            bounds = (low, high) if straight else edges[index]
            place = _place(direction, starts[index], bounds, descent, page_height)
            yield _numbers(*place) + b" Tm"
        space = " " if index < len(line) - 1 else ""
        codes = font.encode(_as_seen(word.text) + space)
        yield b"%d Tz (%s) Tj" % (_stretch([word], direction, size), _escaped(codes))


def _in_one_piece(
    line: Sequence[ReadWord], direction: Direction, size: float, font: GlyphlessFont
) -> bytes:
    """Show a line of words that are all stretched alike, each of them starting at its place.

    pdfium sorts the pieces of an upside-down line from left to right, which turns it round.
    """
    stretch = _stretch(line, direction, size)
    thousandth = size * stretch / 100 / 1000
    pieces: list[bytes] = []
    pen = along(line[0].bbox, direction)[0]
    for word in line:
        start, _ = along(word.bbox, direction)
        text = _as_seen(word.text) + " "
        pieces.append(
            b"%s (%s)" % (_numbers((pen - start) / thousandth), _escaped(font.encode(text)))
        )
        pen = start + len(text) * ADVANCE * 1000 * thousandth
    return b"%d Tz [%s] TJ" % (stretch, b" ".join(pieces))


def _stretch(words: Sequence[ReadWord], direction: Direction, size: float) -> int:
    """Return by how many per cent the font is stretched so that words fill their boxes."""
    lengths = (along(word.bbox, direction) for word in words)
    length = sum(max(end - start, _THINNEST) for start, end in lengths)
    characters = sum(len(word.text) for word in words)
    return max(round(100 * length / (characters * ADVANCE * size)), 1)


def _place(
    direction: Direction,
    start: float,
    bounds: tuple[float, float],
    descent: float,
    page_height: float,
) -> tuple[float, float, float, float, float, float]:
    """Return the text matrix of a word: where its baseline starts, and where it goes."""
    low, high = bounds
    match direction:
        case Direction.RIGHT:
            return 1, 0, 0, 1, start, page_height - high + descent
        case Direction.LEFT:
            return -1, 0, 0, -1, -start, page_height - low - descent
        case Direction.DOWN:
            return 0, -1, 1, 0, low + descent, page_height - start
        case Direction.UP:
            return 0, 1, -1, 0, high - descent, page_height + start


def _as_seen(text: str) -> str:
    """Return the characters of a word from left to right (Unicode Annex 9, for a single word)."""
    if not reads_leftwards(text):
        return text
    seen: list[str] = []
    forward: list[str] = []
    for character in text:
        if unicodedata.bidirectional(character) in ("L", "EN", "AN") or (
            forward and unicodedata.bidirectional(character) in ("ES", "CS")
        ):
            forward.append(character)
            continue
        seen = [character.translate(_MIRRORED), *forward, *seen]
        forward = []
    return "".join([*forward, *seen])


def _escaped(codes: bytes) -> bytes:
    """Return what stands between the parentheses of a string (ISO 32000-2, 7.3.4.2)."""
    return _SPECIAL.sub(rb"\\\g<0>", codes).replace(b"\r", b"\\r")


def _numbers(*values: float) -> bytes:
    # A tenth of a point is finer than recognition.
    return b" ".join(b"%.1f" % value for value in values).replace(b".0", b"")
