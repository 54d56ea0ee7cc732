"""The plain things that tables are found with: lines, boxes, and words in lines of text."""

from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from typing import NamedTuple

from ocr_worker.reading import Bbox, ReadWord

_SAME_LINE = 0.5
"""Words are on one line when the middle of one is within this share of the other's height."""
_LOWEST = 0.8
"""The least height that a word counts with, in usual heights."""


class Rule(NamedTuple):
    """A horizontal or vertical line, in page units as shown."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def horizontal(self) -> bool:
        """Whether it goes from left to right."""
        return self.x1 - self.x0 >= self.y1 - self.y0

    @property
    def length(self) -> float:
        """Its longer side."""
        return max(self.x1 - self.x0, self.y1 - self.y0)


def union(boxes: Iterable[Bbox]) -> Bbox:
    """Return the smallest box around others."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def centre(box: Bbox) -> tuple[float, float]:
    """Return the middle of a box."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def contains(box: Bbox, point: tuple[float, float]) -> bool:
    """Whether a point is in a box; its right and bottom edges belong to the next one."""
    return box[0] <= point[0] < box[2] and box[1] <= point[1] < box[3]


def text_height(words: Sequence[ReadWord]) -> float:
    """Return the usual height of words, the unit for all that is near or far."""
    return median(word.bbox[3] - word.bbox[1] for word in words)


def text_lines(words: Iterable[ReadWord]) -> list[list[ReadWord]]:
    """Group words by the line of text they stand on; both go from left to right and downwards."""
    downwards = sorted(words, key=lambda word: word.bbox[1] + word.bbox[3])
    if not downwards:
        return []
    least = _LOWEST * text_height(downwards)  # a dash or a full stop is not the measure
    lines: list[list[ReadWord]] = []
    middle = height = 0.0
    for word in downwards:
        _, here = centre(word.bbox)
        own = word.bbox[3] - word.bbox[1]
        if lines and here - middle <= _SAME_LINE * max(min(height, own), least):
            lines[-1].append(word)
        else:
            lines.append([word])
            middle, height = here, own
    for line in lines:
        line.sort(key=lambda word: word.bbox[0])
    return lines


def phrases(line: Sequence[ReadWord], *, gap: float) -> Iterator[list[ReadWord]]:
    """Split a line of text where the white space is wider than `gap`."""
    start = 0
    right = line[0].bbox[2]
    for index in range(1, len(line)):
        if line[index].bbox[0] - right > gap:
            yield list(line[start:index])
            start = index
        right = max(right, line[index].bbox[2])
    yield list(line[start:])


def joined(words: Iterable[ReadWord]) -> str:
    """Return the text of words in a line."""
    return " ".join(word.text for word in words)
