"""What the rules look at: the rows, the labels in them, and what stands near a label."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from ocr_worker.understanding.findings import FoundField
from ocr_worker.understanding.labels import Label, Meaning, find_labels
from ocr_worker.understanding.layout import Row, Span

_ROWS_BELOW = 2


@dataclass(frozen=True)
class Place:
    """A label and where it stands: which row, which cell of it."""

    row: int
    cell: int
    label: Label


@dataclass(frozen=True)
class Near:
    """Words near a label, and how likely they belong to it, 0 to 1."""

    span: Span
    likelihood: float
    below: bool = False


@dataclass(frozen=True)
class Evidence:
    """The rows of a document; `labels` tells where each thing is announced."""

    rows: Sequence[Row]

    @cached_property
    def places(self) -> list[Place]:
        """All labels, from top to bottom."""
        return [
            Place(number, index, label)
            for number, row in enumerate(self.rows)
            for index, cell in enumerate(row.cells)
            for label in find_labels(cell)
        ]

    @cached_property
    def _by_meaning(self) -> dict[Meaning, list[Place]]:
        places = defaultdict(list)
        for place in self.places:
            places[place.label.meaning].append(place)
        return places

    @cached_property
    def _by_cell(self) -> dict[tuple[int, int], list[Label]]:
        labels = defaultdict(list)
        for place in self.places:
            labels[place.row, place.cell].append(place.label)
        return labels

    def labelled(self, *meanings: Meaning) -> list[Place]:
        """Return where labels with these meanings stand, from top to bottom."""
        return [place for meaning in meanings for place in self._by_meaning.get(meaning, ())]

    def labels_of(self, row: int, cell: int) -> Sequence[Label]:
        """Return the labels in a cell."""
        return self._by_cell.get((row, cell), ())

    def cell(self, place: Place) -> Span:
        """Return the cell in which a label stands."""
        return self.rows[place.row].cells[place.cell]

    def near(self, place: Place) -> Iterator[Near]:
        """Return where the value of a label may stand, the likeliest first.

        That is behind it, in the next cells of the row, or in the rows below it.
        """
        cells = self.rows[place.row].cells
        rest = self._until_next_label(place)
        if rest.pieces:
            yield Near(rest, 1.0)
        for index in range(place.cell + 1, len(cells)):
            if self._is_labelled(place.row, index):
                break
            yield Near(cells[index], 0.95)
        yield from self._below(place)

    def _until_next_label(self, place: Place) -> Span:
        cell = self.cell(place)
        following = [
            label.start
            for label in self.labels_of(place.row, place.cell)
            if label.start >= place.label.end
        ]
        end = min(following, default=len(cell.pieces))
        return Span(cell.page, cell.pieces[place.label.end : end])

    def _below(self, place: Place) -> Iterator[Near]:
        above = self.cell(place)
        for distance in range(1, _ROWS_BELOW + 1):
            number = place.row + distance
            if number >= len(self.rows) or self.rows[number].page != above.page:
                return
            for index, cell in enumerate(self.rows[number].cells):
                if cell.overlaps(above):
                    if self._is_labelled(number, index):
                        return
                    yield Near(cell, 0.9 - 0.15 * distance, below=True)

    def _is_labelled(self, row: int, cell: int) -> bool:
        return any(label.start == 0 for label in self.labels_of(row, cell))


def found(value: str, span: Span, confidence: float) -> FoundField:
    """Make a field of a value; what the reader doubted lowers the confidence."""
    certainty = max(0.0, min(1.0, confidence * (0.5 + 0.5 * span.confidence)))
    return FoundField(
        value=value,
        text=span.text,
        page=span.page,
        bbox=span.bbox,
        confidence=round(certainty, 3),
    )
