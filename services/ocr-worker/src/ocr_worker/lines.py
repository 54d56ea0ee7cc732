"""Puts recognised lines together to a text, and words that a line end had cut in two."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from ocr_worker.reading import Bbox, Reading, ReadWord

_HYPHENS = "-\u2010\u00ad"
_CUT = re.compile(rf"[^\W\d_]{{2}}[{_HYPHENS}]$")


@dataclass(slots=True)
class Line:
    """The words of a line in reading order; lines of one paragraph share its key."""

    words: list[ReadWord]
    paragraph: tuple[int, ...] = ()

    @property
    def bbox(self) -> Bbox:
        """The box around all words."""
        x0s, y0s, x1s, y1s = zip(*(word.bbox for word in self.words), strict=True)
        return min(x0s), min(y0s), max(x1s), max(y1s)


def reading_of(lines: Iterable[Line]) -> Reading:
    """Return the text of lines in reading order: one per line, an empty one between paragraphs.

    A word whose rest is on the next line is whole, with the box of its first part.
    """
    lines = [Line(list(line.words), line.paragraph) for line in lines if line.words]
    for line, following in pairwise(lines):
        _join(line, following)
    out: list[str] = []
    words: list[ReadWord] = []
    paragraph: tuple[int, ...] | None = None
    for line in lines:
        if not line.words:
            continue  # its only word was the rest of the line before
        if paragraph is not None and line.paragraph != paragraph:
            out.append("")
        paragraph = line.paragraph
        out.append(" ".join(word.text for word in line.words))
        words += line.words
    return Reading("\n".join(out), words)


def _join(line: Line, following: Line) -> None:
    if not line.words:
        return
    first, rest = line.words[-1], following.words[0]
    if _CUT.search(first.text) and rest.text[0].islower():
        letters = len(first.text) - 1 + len(rest.text)
        sure = (
            first.confidence * (len(first.text) - 1) + rest.confidence * len(rest.text)
        ) / letters
        line.words[-1] = ReadWord(first.text[:-1] + rest.text, first.bbox, sure)
        del following.words[0]
