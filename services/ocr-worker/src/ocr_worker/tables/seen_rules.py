"""Finds the lines of a picture: long, thin, dark, and level or upright.

Averaging short stretches of each row of pixels leaves a line as dark as it is and makes text grey,
so what stays dark over several stretches is a line. Pillow averages a page in a few milliseconds.
"""

import re
from collections import defaultdict
from collections.abc import Sequence

from PIL import Image

from ocr_worker.reading import Bbox, ReadWord
from ocr_worker.tables.geometry import Rule

_STRETCH = 1 / 25  # of an inch that are averaged
_SHORTEST = 4  # stretches
_DARK = re.compile(rb"[\x00-\x90]{%d,}" % _SHORTEST)
_THICKEST = 1 / 20  # of an inch; what is thicker is a bar or a picture
_SLANT = 2  # pixels by which a line may go up or down from one row to the next
_MOST_RUNS = 20_000
_COVERED = 0.5

_Line = tuple[int, int, int, int]


def seen_rules(image: Image.Image, *, words: Sequence[ReadWord], dpi: float) -> list[Rule]:
    """Return the lines of a black and white ("1") or grey ("L") picture, in its pixels.

    What runs through words is their letters, or the same letter line under line.
    """
    grey = image.convert("L") if image.mode != "L" else image
    turned = grey.transpose(Image.Transpose.TRANSPOSE)
    boxes = [word.bbox for word in words]
    turned_boxes = [(y0, x0, y1, x1) for x0, y0, x1, y1 in boxes]
    upright = _outside(boxes=turned_boxes, lines=_level(turned, dpi))
    return [
        *(Rule(*line) for line in _outside(boxes=boxes, lines=_level(grey, dpi))),
        *(Rule(y0, x0, y1, x1) for x0, y0, x1, y1 in upright),
    ]


def _outside(*, boxes: list[Bbox], lines: list[_Line]) -> list[_Line]:
    """Return the level lines that do not run through boxes for most of their way."""
    by_row: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for x0, y0, x1, y1 in boxes:
        for row in range(round(y0) + 1, round(y1)):
            by_row[row].append((x0, x1))
    outside = []
    for line in lines:
        spans = by_row.get((line[1] + line[3]) // 2, ())
        inside = sum(max(min(line[2], x1) - max(line[0], x0), 0.0) for x0, x1 in spans)
        if inside <= _COVERED * (line[2] - line[0]):
            outside.append(line)
    return outside


def _level(image: Image.Image, dpi: float) -> list[_Line]:
    """Return the level lines: runs of dark stretches, those of neighbouring rows put together."""
    stretch = max(round(_STRETCH * dpi), 2)
    averaged = image.reduce((stretch, 1))
    data, width = averaged.tobytes(), averaged.width
    growing: list[list[int]] = []
    lines: list[list[int]] = []
    runs = 0
    for y in range(averaged.height):
        row = data[y * width : (y + 1) * width]
        found = [match.span() for match in _DARK.finditer(row)]
        runs += len(found)
        if runs > _MOST_RUNS:
            return []  # a photograph or a pattern
        still = [line for line in growing if y - line[3] <= _SLANT]
        lines += [line for line in growing if y - line[3] > _SLANT]
        growing = still
        for start, end in found:
            for line in growing:
                if start <= line[2] and end >= line[0]:
                    line[0], line[2], line[3] = min(start, line[0]), max(end, line[2]), y
                    break
            else:
                growing.append([start, y, end, y])
    lines += growing
    return [
        (x0 * stretch, y0, x1 * stretch, y1 + 1)
        for x0, y0, x1, y1 in lines
        if y1 - y0 < _THICKEST * dpi
    ]
