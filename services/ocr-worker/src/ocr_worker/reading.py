"""What the reader knows of a page: its text, and where its words are.

These are plain tuples, since a page has thousands of words and the reader starts once per
document; the worker checks them against `pages.PageResult` as they arrive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Bbox = tuple[float, float, float, float]
"""x0, y0, x1, y1 from the top left corner, y downwards."""


class ReadWord(NamedTuple):
    """A word, its box, and how sure the reader is of it (0 to 1)."""

    text: str
    bbox: Bbox
    confidence: float


class ReadTable(NamedTuple):
    """A table: its box, the names of its columns, and its rows of as many cells each."""

    bbox: Bbox
    headers: list[str]
    rows: list[list[str]]


@dataclass(frozen=True, slots=True)
class Reading:
    """A text in reading order, and its words."""

    text: str
    words: list[ReadWord]

    @property
    def confidence(self) -> float:
        """Mean over the characters of all words; 0 when there is none."""
        characters = sum(len(word.text) for word in self.words)
        if not characters:
            return 0.0
        return sum(word.confidence * len(word.text) for word in self.words) / characters

    def scaled(self, x: float, y: float) -> "Reading":
        """Return the same reading with its boxes stretched by the factors."""
        words = [
            ReadWord(text, (x0 * x, y0 * y, x1 * x, y1 * y), confidence)
            for text, (x0, y0, x1, y1), confidence in self.words
        ]
        return Reading(self.text, words)


@dataclass(frozen=True, slots=True)
class PageReading:
    """The reading of a whole page and where it came from; sizes are in page units.

    `rotation` and `skew` are how far the page, as it is shown, is from being upright and level:
    by how many degrees it had to be turned clockwise, and by how many its lines fall to the right.
    """

    width: float
    height: float
    source: str
    backend: str | None
    language: str | None
    confidence: float
    reading: Reading
    rotation: int = 0
    skew: float = 0.0
    tables: Sequence[ReadTable] = ()

    @classmethod
    def blank(cls, width: float, height: float) -> "PageReading":
        """Return the reading of a page that shows nothing."""
        return cls(width, height, "blank", None, None, 1.0, Reading("", []))

    @classmethod
    def text_layer(cls, width: float, height: float, reading: Reading) -> "PageReading":
        """Return the reading of a page whose text was stored in it."""
        return cls(width, height, "text_layer", "pdfium", None, 1.0, reading)

    def as_json(self, number: int) -> dict[str, Any]:
        """Return the fields of a `PageResult`."""
        return {
            "number": number,
            "width": round(self.width, 2),
            "height": round(self.height, 2),
            "source": self.source,
            "backend": self.backend,
            "language": self.language,
            "confidence": round(self.confidence, 4),
            "text": self.reading.text,
            "words": [
                {
                    "text": word.text,
                    "bbox": [round(edge, 2) for edge in word.bbox],
                    "confidence": round(word.confidence, 4),
                }
                for word in self.reading.words
            ],
            "rotation": self.rotation,
            "skew": self.skew,
            "tables": [
                {
                    "bbox": [round(edge, 2) for edge in table.bbox],
                    "headers": table.headers,
                    "rows": table.rows,
                }
                for table in self.tables
            ],
        }
