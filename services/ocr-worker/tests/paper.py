"""Business documents of our own writing, and what a person reads on them.

Each is a text on a grid of characters, as a typewriter sets it; below a rule stands what is to be
understood of it. The words get the boxes that they would have on an A4 page.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocr_worker.pages import PageResult, Word

_FOLDER = Path(__file__).with_name("paperwork")
_RULE = "\n=====\n"
_ADVANCE, _HEIGHT, _LEADING = 5.4, 9.0, 13.0
_MARGIN = 40.0


@dataclass(frozen=True)
class Paper:
    """A document; `expected` is its type, its language, and the values of its fields."""

    name: str
    text: str
    expected: dict[str, Any]

    def page(self) -> PageResult:
        """Return it as it comes out of the reader."""
        return typed(self.text)


def typed(text: str, *, number: int = 1, confidence: float = 1.0) -> PageResult:
    """Return a page on which a text is typed."""
    words = tuple(
        Word(
            text=match[0],
            bbox=_box(line_number, match.start(), match.end()),
            confidence=confidence,
        )
        for line_number, line in enumerate(text.split("\n"))
        for match in re.finditer(r"\S+", line)
    )
    return PageResult(
        number=number,
        width=595,
        height=842,
        source="ocr",
        confidence=confidence,
        text="\n".join(" ".join(line.split()) for line in text.split("\n")).strip(),
        words=words,
    )


def _box(line: int, start: int, end: int) -> tuple[float, float, float, float]:
    top = round(_MARGIN + line * _LEADING, 2)
    left, right = (round(_MARGIN + column * _ADVANCE, 2) for column in (start, end))
    return left, top, right, top + _HEIGHT


def _read(path: Path) -> Paper:
    text, _, expected = path.read_text(encoding="utf-8").partition(_RULE)
    return Paper(path.stem, text, json.loads(expected))


PAPERS = [_read(path) for path in sorted(_FOLDER.glob("*.txt"))]


def paper(name: str) -> Paper:
    """Return a document by its name."""
    return next(each for each in PAPERS if each.name == name)
