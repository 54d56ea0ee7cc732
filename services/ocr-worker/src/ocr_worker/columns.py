"""Takes columns apart where an engine has read across the gap between them.

A gap between columns is white over several lines, wider than the space between words, and has
prose on both sides. Tables have short cells, so they stay as they are: row by row.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ocr_worker.lines import Line
from ocr_worker.reading import ReadWord

_GAP = 0.8
"""The least width of a gap, as a share of the height of the lines."""
_LEAST_LINES = 4
_LEAST_WORDS = 2.5
"""Per line and column, on average: cells of a table have fewer."""
_FARTHEST = 3.0
"""How far below each other lines of one column are at most, in line heights."""

_Gap = tuple[float, float]


@dataclass(slots=True)
class _Run:
    """Lines below each other that share a gap."""

    gap: _Gap
    lines: list[Line] = field(default_factory=list)

    def sides(self) -> tuple[list[Line], list[Line]]:
        middle = sum(self.gap) / 2
        left, right = [], []
        for line in self.lines:
            before = [word for word in line.words if _centre(word) < middle]
            after = [word for word in line.words if _centre(word) >= middle]
            if before:
                left.append(Line(before, (*line.paragraph, 0)))
            if after:
                right.append(Line(after, (*line.paragraph, 1)))
        return left, right

    def is_columns(self) -> bool:
        middle = sum(self.gap) / 2
        crossed = 0
        words = [0, 0]
        for line in self.lines:
            after = sum(_centre(word) >= middle for word in line.words)
            if 0 < after < len(line.words):
                crossed += 1
                words[0] += _spoken(line.words[: len(line.words) - after])
                words[1] += _spoken(line.words[len(line.words) - after :])
        return crossed >= _LEAST_LINES and min(words) >= _LEAST_WORDS * crossed


def unbraid(lines: Iterable[Line]) -> list[Line]:
    """Return the lines with those that run across columns split, column after column."""
    rest = [Line(sorted(line.words, key=_centre), line.paragraph) for line in lines if line.words]
    if not rest:
        return []
    heights = sorted(word.bbox[3] - word.bbox[1] for line in rest for word in line.words)
    height = heights[len(heights) // 2]
    return list(_unbraided(rest, height))


def _unbraided(lines: list[Line], height: float) -> Iterator[Line]:
    start = 0
    while start < len(lines):
        run = _longest_run(lines, start, height)
        if run is None:
            yield lines[start]
            start += 1
        else:
            for side in run.sides():
                yield from _unbraided(side, height)
            start += len(run.lines)


def _longest_run(lines: list[Line], start: int, height: float) -> _Run | None:
    runs = (_run(lines, start, gap, height) for gap in _gaps(lines[start], height))
    columns = [run for run in runs if run.is_columns()]
    return max(columns, key=lambda run: len(run.lines), default=None)


def _run(lines: list[Line], start: int, gap: _Gap, height: float) -> _Run:
    run = _Run(gap, [lines[start]])
    for above, line in zip(lines[start:], lines[start + 1 :], strict=False):
        if not -height <= line.bbox[1] - above.bbox[1] <= _FARTHEST * height:
            break
        narrower = _narrowed(run.gap, line, height)
        if narrower is None:
            break
        run.gap = narrower
        run.lines.append(line)
    while len(run.lines) > 1 and not _is_crossed(run.gap, run.lines[-1]):
        run.lines.pop()
    return run


def _narrowed(gap: _Gap, line: Line, height: float) -> _Gap | None:
    left, right = gap
    for word in line.words:
        x0, _, x1, _ = word.bbox
        if x1 <= left or x0 >= right or not any(map(str.isalnum, word.text)):
            continue  # a speck in the gap is no word
        if x0 <= left and x1 < right:
            left = x1
        elif x1 >= right and x0 > left:
            right = x0
        else:
            return None
    return (left, right) if right - left >= _GAP * height else None


def _is_crossed(gap: _Gap, line: Line) -> bool:
    middle = sum(gap) / 2
    return _centre(line.words[0]) < middle <= _centre(line.words[-1])


def _gaps(line: Line, height: float) -> Iterator[_Gap]:
    for word, following in zip(line.words, line.words[1:], strict=False):
        if following.bbox[0] - word.bbox[2] >= _GAP * height:
            yield word.bbox[2], following.bbox[0]


def _centre(word: ReadWord) -> float:
    return (word.bbox[0] + word.bbox[2]) / 2


def _spoken(words: list[ReadWord]) -> int:
    """Count the words; an engine may give a whole line as one."""
    return sum(len(word.text.split()) for word in words if any(map(str.isalpha, word.text)))
