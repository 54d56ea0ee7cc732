"""Which way the words of a page run, and which of them stand on one line.

Words come in reading order with a box each, so the way from one to the next tells how the page
was turned, as long as it is not the script that runs leftwards.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from enum import IntEnum
from itertools import pairwise

from ocr_worker.reading import Bbox, ReadWord

_OVERLAP = 0.5
"""Words on one line share this part of the height of the lower one."""
_WIDEST_GAP = 4.0
"""Words further apart than this, in heights of the text, are in different columns."""
_UPRIGHT = 1.5
"""A word of several characters that is so much higher than wide runs up or down."""
_SEVERAL = 3


class Direction(IntEnum):
    """Where a line of text goes to, in quarter turns clockwise."""

    RIGHT = 0
    DOWN = 1
    LEFT = 2
    UP = 3

    @property
    def level(self) -> bool:
        """Whether it goes from side to side."""
        return self in (Direction.RIGHT, Direction.LEFT)


def reads_leftwards(text: str) -> bool:
    """Whether a word is of a script that runs from right to left."""
    return any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)


def along(box: Bbox, direction: Direction) -> tuple[float, float]:
    """Return where a box starts and ends on the way of its line."""
    x0, y0, x1, y1 = box
    match direction:
        case Direction.RIGHT:
            return x0, x1
        case Direction.DOWN:
            return y0, y1
        case Direction.LEFT:
            return -x1, -x0
        case Direction.UP:
            return -y1, -y0


def across(box: Bbox, direction: Direction) -> tuple[float, float]:
    """Return the edges of a box beside the way of its line."""
    return (box[1], box[3]) if direction.level else (box[0], box[2])


def lines_of(words: Sequence[ReadWord]) -> list[tuple[Direction, list[ReadWord]]]:
    """Group words into lines, those of a line as they lie along it."""
    level, upright = _usual(words)
    shapes = Counter(_runs_level(word) for word in words)
    mostly_upright = shapes[False] > shapes[True]
    lines: list[tuple[Direction, list[ReadWord]]] = []
    for word in words:
        runs_level = _runs_level(word)
        if lines:
            direction, line = lines[-1]
            fits = runs_level is None or runs_level == direction.level
            if fits and _continues(line[-1].bbox, word.bbox, direction):
                line.append(word)
                continue
        turned = mostly_upright if runs_level is None else not runs_level
        lines.append((upright if turned else level, [word]))
    return [
        (direction, sorted(line, key=lambda word: along(word.bbox, direction)))
        for direction, line in lines
    ]


def _usual(words: Sequence[ReadWord]) -> tuple[Direction, Direction]:
    """Return where level lines go on this page, and where upright ones go."""
    ways: Counter[Direction] = Counter()
    for word, after in pairwise(words):
        shape = _runs_level(word)
        if shape is None or shape != _runs_level(after) or reads_leftwards(word.text):
            continue
        forward = Direction.RIGHT if shape else Direction.DOWN
        if _continues(word.bbox, after.bbox, forward):
            advances = along(after.bbox, forward) > along(word.bbox, forward)
            ways[forward if advances else Direction(forward + 2)] += 1
    level = max(Direction.RIGHT, Direction.LEFT, key=ways.__getitem__)
    return level, max(Direction.DOWN, Direction.UP, key=ways.__getitem__)


def _runs_level(word: ReadWord) -> bool | None:
    """Whether a word goes from side to side; None if it is too short to tell."""
    if len(word.text) < _SEVERAL:
        return None
    x0, y0, x1, y1 = word.bbox
    return (y1 - y0) <= _UPRIGHT * (x1 - x0)


def _continues(box: Bbox, after: Bbox, direction: Direction) -> bool:
    low, high = across(box, direction)
    after_low, after_high = across(after, direction)
    thickness, after_thickness = high - low, after_high - after_low
    shared = min(high, after_high) - max(low, after_low)
    start, end = along(box, direction)
    after_start, after_end = along(after, direction)
    gap = max(after_start - end, start - after_end)
    return shared >= _OVERLAP * min(thickness, after_thickness) and gap <= _WIDEST_GAP * max(
        thickness, after_thickness
    )
