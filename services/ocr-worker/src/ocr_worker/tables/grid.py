"""Puts words into the cells of a table, and tells headers from rows.

Real tables are ruled sparingly: one box may hold five rows, or a whole body without a vertical
line under a header that has them. So a box that spans columns is divided among them as long as no
phrase in it crosses a column's edge, and one that is many lines high is divided into rows when its
columns run in step.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ocr_worker.reading import Bbox, ReadTable, ReadWord
from ocr_worker.tables.geometry import (
    centre,
    contains,
    joined,
    phrases,
    text_height,
    text_lines,
    union,
)

_PHRASE_GAP = 0.8
"""Words further apart than this, in heights of the text, do not belong to one phrase."""
_IN_STEP = 3
"""So many lines in several columns of one box are rows, not a text that was wrapped."""
_FIGURE = re.compile(r"[^\w]*\d[\d\s.,:/'-]*%?[^\w]*")
_MOST_HEADER_BANDS = 3
_LEAST_FILLED = 0.4
"""A grid with fewer of its cells filled, or of its columns named, is a form or a drawing."""
_FEWEST_CELLS = 4

Line = dict[int, list[ReadWord]]
"""The words of a line of text, by column."""


@dataclass(slots=True)
class _Box:
    """A ruled cell, and the columns and bands (ruled rows) that it covers: first and last."""

    columns: tuple[int, int]
    bands: tuple[int, int]
    words: list[ReadWord] = field(default_factory=list)

    @property
    def spans_columns(self) -> bool:
        return self.columns[0] < self.columns[1]


class Grid:
    """The columns and bands of a table, and the words in each of its boxes."""

    def __init__(self, cells: Sequence[Bbox], words: Sequence[ReadWord]) -> None:
        self.bbox = union(cells)
        inside = [word for word in words if contains(self.bbox, centre(word.bbox))]
        self._unit = text_height(inside) if inside else 1.0
        near = self._unit / 2
        self._edges = _distinct((edge for cell in cells for edge in (cell[0], cell[2])), near)
        self._bands = _distinct((edge for cell in cells for edge in (cell[1], cell[3])), near)
        self._boxes = self._placed(cells, inside)

    @property
    def _width(self) -> int:
        return len(self._edges) - 1

    def table(self) -> ReadTable | None:
        """Return the table, or None if this is a frame, a form or a drawing."""
        if len(self._edges) < 3 or len(self._bands) < 2:
            return None
        first, last = self._body()
        header_bands = self._header_bands(first, last)
        rows = [row for band in range(first + header_bands, last) for row in self._rows(band)]
        named = self._headers(range(first, first + header_bands))
        return self._worthwhile(named if header_bands else rows.pop(0), rows)

    def _worthwhile(self, headers: list[str], rows: list[list[str]]) -> ReadTable | None:
        grid = [headers, *(row for row in rows if any(row))]
        kept = [column for column in range(self._width) if any(row[column] for row in grid)]
        headers, *rows = ([row[column] for column in kept] for row in grid)
        named, filled = _telling(headers), sum(map(_telling, rows))
        if len(kept) < 2 or not rows or named + filled < _FEWEST_CELLS:
            return None
        if min(named, (named + filled) / len(grid)) < _LEAST_FILLED * len(kept):
            return None
        return ReadTable(self.bbox, headers, rows)

    def _placed(self, cells: Sequence[Bbox], words: Sequence[ReadWord]) -> list[_Box]:
        boxes = []
        at: dict[tuple[int, int], _Box] = {}
        for cell in sorted(cells, key=lambda cell: (cell[1], cell[0])):
            columns = _covered(self._edges, cell[0], cell[2])
            bands = _covered(self._bands, cell[1], cell[3])
            if columns is None or bands is None:
                continue  # a double line
            box = _Box(columns, bands)
            boxes.append(box)
            for column in range(columns[0], columns[1] + 1):
                for band in range(bands[0], bands[1] + 1):
                    at[column, band] = box
        for word in words:
            x, y = centre(word.bbox)
            place = bisect_right(self._edges, x) - 1, bisect_right(self._bands, y) - 1
            if place in at:
                at[place].words.append(word)
        return boxes

    def _starting_in(self, band: int) -> list[_Box]:
        return [box for box in self._boxes if box.bands[0] == band]

    def _body(self) -> tuple[int, int]:
        """Return the first band and the one after the last, without titles and notes.

        Those are bands of one box whose text does not stand in columns.
        """
        first, last = 0, len(self._bands) - 1
        while first < last - 1 and self._runs_across(first):
            first += 1
        while first < last - 1 and self._runs_across(last - 1):
            last -= 1
        return first, last

    def _runs_across(self, band: int) -> bool:
        boxes = self._starting_in(band)
        if len(boxes) != 1 or boxes[0].columns != (0, self._width - 1):
            return False
        divided = (self._by_column(line, boxes[0]) for line in text_lines(boxes[0].words))
        return not any(len(by_column or ()) * 2 > self._width for by_column in divided)

    def _header_bands(self, first: int, last: int) -> int:
        """Count the bands that come before the first figure.

        0 when the names of the columns stand in the same band as the rows; 1 when there is no
        figure at all.
        """
        for count in range(min(_MOST_HEADER_BANDS + 1, last - first)):
            boxes = [box for box in self._starting_in(first + count) if box.words]
            tall = any(len(text_lines(box.words)) > _IN_STEP for box in boxes)
            if tall or any(_FIGURE.fullmatch(word.text) for box in boxes for word in box.words):
                return count
        return min(1, last - first - 1)

    def _headers(self, bands: range) -> list[str]:
        parts: list[list[str]] = [[] for _ in range(self._width)]
        for box in self._boxes:
            if box.bands[1] < bands.start or box.bands[0] >= bands.stop:
                continue
            top = self._bands[bands.start]  # a title may reach down beside the names
            for line in text_lines(word for word in box.words if centre(word.bbox)[1] > top):
                by_column = self._by_column(line, box)
                if box.spans_columns and (by_column is None or len(by_column) == 1):
                    for column in range(box.columns[0], box.columns[1] + 1):
                        parts[column].append(joined(line))
                    continue
                for column, words in (by_column or {box.columns[0]: line}).items():
                    parts[column].append(joined(words))
        return [" ".join(part) for part in parts]

    def _rows(self, band: int) -> list[list[str]]:
        """Return the rows of a band: one, unless its columns run in step for several lines."""
        boxes = [box for box in self._starting_in(band) if box.words]
        if not self._in_step(boxes):
            row = [""] * self._width
            for box in boxes:
                lines = [(line, self._by_column(line, box)) for line in text_lines(box.words)]
                for line, by_column in lines:
                    for column, words in (by_column or {box.columns[0]: line}).items():
                        row[column] = f"{row[column]}\n{joined(words)}".lstrip()
            return [row]
        return self._stepped(boxes)

    def _stepped(self, boxes: list[_Box]) -> list[list[str]]:
        rows: list[list[str]] = []
        bottom = 0.0
        owner = {id(word): box for box in boxes for word in box.words}
        for line in text_lines(word for box in boxes for word in box.words):
            by_column: Line = {}
            by_box: dict[int, list[ReadWord]] = defaultdict(list)
            for word in line:
                by_box[id(owner[id(word)])].append(word)
            for words in by_box.values():
                box = owner[id(words[0])]
                by_column |= self._by_column(words, box) or {box.columns[0]: words}
            near = line[0].bbox[1] - bottom < self._unit
            bottom = line[0].bbox[3]
            # A wrapped line goes on in one column only, and that is not the one that names the row.
            if rows and near and len(by_column) == 1 and 0 not in by_column:
                ((column, words),) = by_column.items()
                rows[-1][column] = f"{rows[-1][column]}\n{joined(words)}".lstrip()
                continue
            row = [""] * self._width
            for column, words in by_column.items():
                row[column] = joined(words)
            rows.append(row)
        return rows

    def _in_step(self, boxes: list[_Box]) -> bool:
        """Whether several columns have several lines each, one of them figures."""
        lines: dict[int, list[str]] = defaultdict(list)
        for box in boxes:
            for line in text_lines(box.words):
                for column, words in (self._by_column(line, box) or {}).items():
                    lines[column].append(joined(words))
        tall = [texts for texts in lines.values() if len(texts) >= _IN_STEP]
        return len(tall) >= 2 and any(
            sum(any(map(str.isdigit, text)) for text in texts) * 2 > len(texts) for texts in tall
        )

    def _by_column(self, line: list[ReadWord], box: _Box) -> Line | None:
        """Divide a line among the columns of its box; None if a phrase crosses an edge."""
        first, last = box.columns
        if first == last:
            return {first: line}
        by_column: Line = defaultdict(list)
        slack = self._unit / 2
        for phrase in phrases(line, gap=_PHRASE_GAP * self._unit):
            left, _, right, _ = union(word.bbox for word in phrase)
            inner = self._edges[first + 1 : last + 1]
            if any(left + slack < edge < right - slack for edge in inner):
                return None
            column = bisect_right(self._edges, (left + right) / 2) - 1
            by_column[min(max(column, first), last)] += phrase
        return dict(by_column)


def _distinct(values: Iterable[float], near: float) -> list[float]:
    """Return the values in order, one for all that are near each other."""
    kept: list[float] = []
    for value in sorted(values):
        if not kept or value - kept[-1] > near:
            kept.append(value)
    return kept


def _covered(edges: Sequence[float], low: float, high: float) -> tuple[int, int] | None:
    """Return the first and last interval between edges that lie from `low` to `high`."""
    first = _nearest(edges, low)
    last = _nearest(edges, high) - 1
    return (first, last) if first <= last else None


def _nearest(edges: Sequence[float], value: float) -> int:
    return min(range(len(edges)), key=lambda index: abs(edges[index] - value))


def _telling(row: Iterable[str]) -> int:
    """Count the cells of a row that say something."""
    return sum(any(map(str.isalnum, cell)) for cell in row)
