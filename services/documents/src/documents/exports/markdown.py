"""Markdown: headings, lists, paragraphs and tables (CommonMark with the tables of GitHub).

Whatever was read is text and nothing else: no mark of Markdown, no HTML, no link comes of it.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import groupby

from documents.exports.lines import Line, lines_of
from documents.exports.pages import MissingPage, ReadPage, StoredPages, Table
from documents.exports.paragraphs import em, paragraphs, weighted_median
from documents.exports.upright import upright
from documents.schemas import DocumentOut

_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "|": "&#124;"}
_MARKS = re.compile(r"[\\`*_\[\]{}~$#]")
_LINKS = re.compile(r":(?=//)|(?<=\bwww)\.", re.IGNORECASE)
_OPENING = re.compile(r"^(?:(?=[-+=])|(\d{1,9})(?=[.)]))")
_BULLET = re.compile(r"(?:[•◦▪‣●○■□∙·]|[-–—*](?=\s))\s*(?=\S)")
_SURE_BULLET = re.compile(r"[•◦▪‣●■]")
_NUMBER = re.compile(r"(\d{1,3})[.)]\s+(?=\S)")
_HEADINGS = ((1.8, "#"), (1.45, "##"), (1.22, "###"))
"""From so many times the size of the body on, a line is a heading of this level."""
_DOUBTFUL = 1.36
"""The least for OCR, since the size of a line can only be estimated from its letters."""
_TITLE = re.compile(r"[^\W\d_]{3}")
"""Some word: what has none may be a formula, whose signs are large."""
_HEADING_LINES, _HEADING_WORDS = 3, 20
_SENTENCE_ENDS = (".", "!", "?", ":", ";", "”", "»")


class Body:
    """The size of the letters that most of a document's text has, as far as it has been read."""

    def __init__(self) -> None:
        self._letters: Counter[float] = Counter()

    def add(self, lines: Sequence[Line], *, tight: bool) -> None:
        """Count a page in."""
        for line in lines:
            size = em(line, tight=tight)
            if size:
                self._letters[round(size, 1)] += len(line.text)

    @property
    def size(self) -> float:
        """The median over the letters, in page units; 0 when nothing has a place."""
        return weighted_median(list(self._letters.items()))


async def write_markdown(_: DocumentOut, pages: StoredPages) -> AsyncIterator[bytes]:
    """Yield the document page by page, a comment before each."""
    body = Body()
    async for page in pages.whole():
        if isinstance(page, MissingPage):
            yield f"<!-- page {page.number} was not read -->\n\n".encode()
        else:
            yield (await asyncio.to_thread(markdown_page, page, body)).encode()


def markdown_page(page: ReadPage, body: Body) -> str:
    """Return the blocks of a page, and count it into the body."""
    tight = page.source == "ocr"
    page = upright(page)
    lines = lines_of(page.text, page.words)
    body.add(lines, tight=tight)
    blocks = [f"<!-- page {page.number} -->"]
    for found, group in groupby(_elements(lines, page.tables), key=lambda it: isinstance(it, Line)):
        if found:
            text = [line for line in group if isinstance(line, Line)]
            blocks += _text(paragraphs(text, tight=tight), body.size, tight=tight)
        else:
            tables = [it for it in group if isinstance(it, Table)]
            blocks += [table(it.all_rows()) for it in tables if it.width]
    return "\n\n".join(blocks) + "\n\n"


def inert(text: str) -> str:
    """Return Markdown that shows a text as it is, on one line.

    The characters of HTML become entities, which older dialects understand too, where a backslash
    would leave the tag in force.
    """
    marked = _MARKS.sub(lambda mark: f"\\{mark[0]}", " ".join(text.split()))
    marked = _LINKS.sub(lambda mark: f"\\{mark[0]}", marked)
    marked = "".join(_ENTITIES.get(character, character) for character in marked)
    return _OPENING.sub(lambda start: f"{start[1] or ''}\\", marked)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return a pipe table; the first row is its head."""
    head, *others = ["| " + " | ".join(inert(cell) for cell in row) + " |" for row in rows]
    rule = "|" + " --- |" * len(rows[0])
    return "\n".join([head, rule, *others])


def _elements(lines: Sequence[Line], tables: Sequence[Table]) -> Iterator[Line | Table]:
    """Yield the lines, and in the place of those that are in a table, the table once."""
    waiting = dict(enumerate(tables))
    for line in lines:
        number = next((n for n, it in enumerate(tables) if _is_within(line, it)), None)
        if number is None:
            yield line
        elif number in waiting:
            yield waiting.pop(number)
    yield from waiting.values()


def _is_within(line: Line, table: Table) -> bool:
    x0, y0, x1, y1 = table.bbox
    inside = sum(
        x0 <= (word.bbox[0] + word.bbox[2]) / 2 <= x1
        and y0 <= (word.bbox[1] + word.bbox[3]) / 2 <= y1
        for word in line.words
    )
    return inside * 2 > len(line.words)


def _text(groups: Sequence[list[Line]], body: float, *, tight: bool) -> Iterator[str]:
    """Yield blocks; a paragraph that goes on in the next column or block is put together."""
    prose = ""
    for group in groups:
        level = _level(group, body, tight=tight)
        if level:
            yield from [inert(prose)] if prose else []
            prose = ""
            yield f"{level} {inert(_joined(group))}"
            continue
        plain, items = _items(group)
        if plain:
            goes_on = prose and not prose.endswith(_SENTENCE_ENDS) and plain[0].islower()
            yield from [inert(prose)] if prose and not goes_on else []
            prose = f"{prose} {plain}" if goes_on else plain
        if items:
            yield from [inert(prose)] if prose else []
            prose = ""
            yield "\n".join(items)
    yield from [inert(prose)] if prose else []


def _level(group: Sequence[Line], body: float, *, tight: bool) -> str:
    """Return the mark of a heading, or nothing for what is none."""
    text = _joined(group)
    if len(group) > _HEADING_LINES or len(text.split()) > _HEADING_WORDS or not body:
        return ""
    times = min(em(line, tight=tight) for line in group) / body
    if (tight and times < _DOUBTFUL) or not _TITLE.search(text):
        return ""
    return next((mark for least, mark in _HEADINGS if times >= least), "")


def _items(group: Sequence[Line]) -> tuple[str, list[str]]:
    """Split a paragraph into the text before a list, and the items of the list."""
    before: list[str] = []
    items: list[tuple[str, list[str]]] = []
    for line in group:
        text = line.text
        bullet, number = _BULLET.match(text), _NUMBER.match(text)
        begins = (items or not before) and (bullet or number)
        if bullet and (begins or _SURE_BULLET.match(text)):
            items.append(("-", [text[bullet.end() :]]))
        elif number and begins:
            items.append((f"{number[1]}.", [text[number.end() :]]))
        elif items:
            items[-1][1].append(text)
        else:
            before.append(text)
    return " ".join(before), [f"{mark} {inert(' '.join(texts))}" for mark, texts in items]


def _joined(group: Sequence[Line]) -> str:
    return " ".join(line.text for line in group)
