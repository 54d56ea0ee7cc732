"""Lines grouped into paragraphs, by empty lines and by where they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from documents.exports.lines import Line
from documents.exports.pages import Box

_TERMINAL = (".", "!", "?", ":", "”", "»", "“", '"')
# How much of an em is visible of a word without tall letters and tails, with one, with both.
_TALL = frozenset("bdfhiklt0123456789ß")
_TAILS = frozenset("gjpqy")
_SHARES = {(False, False): 0.5, (True, False): 0.72, (False, True): 0.7, (True, True): 0.93}


@dataclass(frozen=True, slots=True)
class _Placed:
    """A line, where it stands, and the size of its letters."""

    line: Line
    box: Box | None
    size: float


def em(line: Line, *, tight: bool) -> float:
    """Return the size of a line's letters in page units; 0 when it has no place.

    The boxes of a text layer are as high as its font. Those of OCR are `tight` around what is
    printed, so that "sum" is half as high as "(jut)" in the same font.
    """
    sizes = []
    for word in line.words:
        x0, y0, x1, y1 = word.bbox
        if y1 - y0 <= x1 - x0 or len(word.text) < 3:  # the others are written upwards
            share = _share(word.text) if tight else 1.0
            sizes.append(((y1 - y0) / share, len(word.text)))
    return weighted_median(sizes)


def weighted_median(sizes: Sequence[tuple[float, int]]) -> float:
    """Return the median of sizes that occur so many times each; 0 when there are none."""
    half = sum(weight for _, weight in sizes) / 2
    for size, weight in sorted(sizes):
        half -= weight
        if half <= 0:
            return size
    return 0.0


def paragraphs(lines: Sequence[Line], *, tight: bool) -> list[list[Line]]:
    """Group lines that belong together, in their order; each is in one paragraph."""
    placed = [_Placed(line, line.box, em(line, tight=tight)) for line in lines]
    usual = _usual_gap(placed)
    most = 1.4 if tight else 1.25
    groups = [[line] for line in lines[:1]]
    for before, after in pairwise(placed):
        if (
            after.line.after_blank
            or _apart(before, after, usual)
            or _differ(before, after, most=most)
            or _indented(before, after)
        ):
            groups.append([])
        groups[-1].append(after.line)
    return groups


def _share(word: str) -> float:
    tall = any(letter in _TALL or letter.isupper() for letter in word)
    tails = any(letter in _TAILS for letter in word)
    return _SHARES[tall, tails]


def _usual_gap(lines: Sequence[_Placed]) -> float:
    """Return the distance between two lines that is most common on the page."""
    gaps = [
        after.box[1] - before.box[3]
        for before, after in pairwise(lines)
        if before.box and after.box
    ]
    most = 2 * max((line.size for line in lines), default=0.0)
    gaps = [gap for gap in gaps if -most / 4 <= gap <= most]
    return median(gaps) if gaps else 0.0


def _apart(before: _Placed, after: _Placed, usual: float) -> bool:
    """Tell whether there is much space between two lines, or one is not below the other."""
    if before.box is None or after.box is None:
        return False
    size = max(before.size, after.size)
    gap = after.box[1] - before.box[3]
    beside = after.box[0] >= before.box[2] or after.box[2] <= before.box[0]
    far = beside or gap < -0.6 * size or gap > usual + 0.45 * size
    return far and not _behind(before.box, after.box, size)


def _behind(before: Box, box: Box, size: float) -> bool:
    """Tell whether a line goes on where another ends.

    Text layers put an exponent, and what follows it, into lines of their own.
    """
    overlap = min(box[3], before[3]) - max(box[1], before[1])
    least = min(box[3] - box[1], before[3] - before[1])
    return overlap > 0.3 * least and 0 <= box[0] - before[2] < size


def _differ(before: _Placed, after: _Placed, *, most: float) -> bool:
    """Tell whether two lines below each other have another size of letters."""
    if before.box and after.box and _behind(before.box, after.box, max(before.size, after.size)):
        return False
    smaller, larger = sorted((before.size, after.size))
    return 0 < smaller * most < larger


def _indented(before: _Placed, after: _Placed) -> bool:
    """Tell whether a line begins further in than the one before it, which ends a sentence."""
    if before.box is None or after.box is None or after.line.leftwards:
        return False
    size = max(before.size, after.size)
    further_in = 0.8 * size < after.box[0] - before.box[0] < 6 * size
    return further_in and before.line.text.endswith(_TERMINAL)
