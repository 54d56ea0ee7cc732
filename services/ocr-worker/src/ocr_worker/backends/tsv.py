"""Understands the table of words that Tesseract makes (its TSV output)."""

import csv
from io import StringIO

from ocr_worker.lines import Line
from ocr_worker.reading import ReadWord

_COLUMNS = (
    *("level", "page_num", "block_num", "par_num", "line_num", "word_num"),
    *("left", "top", "width", "height", "conf", "text"),
)
_WORD = "5"
# What is left of a control character that a model has learnt by mistake is no text.
_CONTROLS = dict.fromkeys(range(32))


def lines_of(table: str) -> list[Line]:
    """Return the lines in Tesseract's order; `table` has no head."""
    lines: dict[tuple[int, ...], Line] = {}
    for row in csv.DictReader(StringIO(table), _COLUMNS, delimiter="\t", quoting=csv.QUOTE_NONE):
        text = (row["text"] or "").translate(_CONTROLS).strip()
        if row["level"] != _WORD or not text:
            continue
        block, paragraph, line = (int(row[key]) for key in ("block_num", "par_num", "line_num"))
        left, top = float(row["left"]), float(row["top"])
        box = (left, top, left + float(row["width"]), top + float(row["height"]))
        sure = min(max(float(row["conf"]) / 100, 0.0), 1.0)
        place = lines.setdefault((block, paragraph, line), Line([], (block, paragraph)))
        place.words.append(ReadWord(text, box, sure))
    return list(lines.values())
