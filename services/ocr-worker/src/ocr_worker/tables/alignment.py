"""Finds tables that have no lines, by words that stand in columns for several lines of text.

Text set in columns looks the same for a while, so a table must have a column of figures, and few
words in each cell. The first column does not count, as lines may be numbered.
"""

from collections.abc import Sequence
from itertools import chain, pairwise

from ocr_worker.reading import Bbox, ReadWord
from ocr_worker.tables.geometry import phrases, text_height, text_lines, union

_GAP = 1.2
"""White space between columns, in heights of the text."""
_LEADING = 2.5
"""Lines of text of one table are nearer to each other, in heights of the text."""
_FEWEST = 3
"""Columns, and lines that fill as many of them."""
_MOST_WORDS = 6
_FIGURES = 0.5

_Phrase = list[ReadWord]


def aligned_tables(words: Sequence[ReadWord]) -> list[list[Bbox]]:
    """Return a cell per column of each table, as high as the table."""
    if not words:
        return []
    unit = text_height(words)
    if not _may_stand_in_columns(words, unit):
        return []
    lines = [list(phrases(line, gap=_GAP * unit)) for line in text_lines(words)]
    if sum(len(line) >= _FEWEST for line in lines) < _FEWEST:
        return []
    found = (_columns(run) for run in _runs(lines, _LEADING * unit))
    return [cells for cells in found if cells]


def _may_stand_in_columns(words: Sequence[ReadWord], unit: float) -> bool:
    """Whether words, in reading order, leave gaps or go back up as often as those of a table.

    Most pages do not, and this is faster than to sort their words into lines.
    """
    gap = _GAP * unit
    gaps = returns = 0
    before = words[0].bbox
    for _, box, _ in words:
        if box[1] < before[3] and box[3] > before[1]:
            gaps += box[0] - before[2] > gap
        else:
            returns += before[1] - box[3] > unit
        before = box
    return gaps >= _FEWEST * (_FEWEST - 1) or returns >= _FEWEST - 1


def _runs(lines: list[list[_Phrase]], leading: float) -> list[list[list[_Phrase]]]:
    """Return the lines of each stretch that may be a table: what is wrapped counts when inside."""
    runs: list[list[list[_Phrase]]] = []
    wrapped: list[list[_Phrase]] = []
    bottom = float("-inf")
    for line in lines:
        _, top, _, low = union(word.bbox for word in chain(*line))
        if top - bottom > leading:
            wrapped = []
            runs.append([])
        bottom = low
        if len(line) >= _FEWEST:
            runs[-1] += [*wrapped, line]
            wrapped = []
        elif runs[-1]:
            wrapped.append(line)
    return [run for run in runs if sum(len(line) >= _FEWEST for line in run) >= _FEWEST]


def _columns(run: list[list[_Phrase]]) -> list[Bbox]:
    """Return the columns of a table, or nothing if this is none."""
    boxes = [[union(word.bbox for word in phrase) for phrase in line] for line in run]
    spans = _merged([(box[0], box[2]) for box in chain(*boxes)])
    all_phrases = list(chain(*run))
    wordy = sum(len(phrase) > _MOST_WORDS for phrase in all_phrases) * 2 > len(all_phrases)
    if len(spans) < _FEWEST or wordy or not any(_is_figures(run, span) for span in spans[1:]):
        return []
    _, top, _, bottom = union(chain(*boxes))
    middles = [(left[1] + right[0]) / 2 for left, right in pairwise(spans)]
    edges = [spans[0][0], *middles, spans[-1][1]]
    return [(x0, top, x1, bottom) for x0, x1 in pairwise(edges)]


def _merged(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for left, right in sorted(spans):
        if merged and left <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(right, merged[-1][1]))
        else:
            merged.append((left, right))
    return merged


def _is_figures(run: list[list[_Phrase]], span: tuple[float, float]) -> bool:
    """Whether what stands in a column ends in a figure, in most of the lines."""
    column = [
        phrase[-1].text
        for phrase in chain(*run)
        if span[0] <= (phrase[0].bbox[0] + phrase[-1].bbox[2]) / 2 <= span[1]
    ]
    figures = sum(sum(map(str.isdigit, text)) * 2 >= len(text) for text in column)
    return len(column) >= _FEWEST and figures >= max(_FEWEST - 1, _FIGURES * len(column))
