"""hOCR 1.2 as XHTML: every word with its place, in lines, paragraphs and pages.

hOCR counts in whole pixels. The pages of a PDF are in points, so they are told at 300 pixels an
inch (`scan_res`), as if they had been scanned like that.
"""

import asyncio
import math
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from html import escape
from itertools import count, islice

from documents.exports.lines import around, lines_of
from documents.exports.pages import Box, MissingPage, ReadPage, StoredPages, Word
from documents.exports.paragraphs import paragraphs
from documents.exports.upright import upright
from documents.schemas import DocumentOut

_DPI = 300
_POINTS_PER_INCH = 72
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no characters for (section 2.2)."""

_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta charset="UTF-8"/>
<title>{title}</title>
<meta name="ocr-system" content="Quire"/>
<meta name="ocr-capabilities" content="ocr_page ocr_par ocr_line ocrx_word ocrp_dir"/>
{count}</head>
<body>
"""
_COUNT = '<meta name="ocr-number-of-pages" content="{}"/>\n'
_FOOT = "</body>\n</html>\n"


async def write_hocr(document: DocumentOut, pages: StoredPages) -> AsyncIterator[bytes]:
    """Yield the document page by page; a comment stands where a page is missing."""
    is_pdf = document.mime_type == "application/pdf"
    pages_told = _COUNT.format(document.page_count) if document.page_count else ""
    yield _HEAD.format(title=_text(document.title), count=pages_told).encode()
    async for page in pages.whole():
        if isinstance(page, MissingPage):
            yield f"<!-- page {page.number} was not read -->\n".encode()
        else:
            yield (await asyncio.to_thread(hocr_page, page, is_pdf=is_pdf)).encode()
    yield _FOOT.encode()


def hocr_page(page: ReadPage, *, is_pdf: bool) -> str:
    """Return the element of a page."""
    return _Page(page, is_pdf=is_pdf).write()


class _Page:
    """Writes one page."""

    def __init__(self, page: ReadPage, *, is_pdf: bool) -> None:
        self._page = page
        self._scale = _DPI / _POINTS_PER_INCH if is_pdf else 1.0
        self._resolution = f"; scan_res {_DPI} {_DPI}" if is_pdf else ""
        # It is counted counter-clockwise (1.2, `textangle`), from where the text stands.
        self._angle = f"; textangle {page.rotation}" if page.rotation else ""
        self._width = math.ceil(page.width * self._scale)
        self._height = math.ceil(page.height * self._scale)

    def write(self) -> str:
        page = self._page
        laid = upright(page)
        lines = [line for line in lines_of(laid.text, laid.words) if line.words]
        groups = paragraphs(lines, tight=page.source == "ocr")
        size = f"bbox 0 0 {self._width} {self._height}"
        title = f"{size}; ppageno {page.number - 1}{self._resolution}"
        # Both have the same words in the same order; those of the page are where they are shown.
        shown = iter(page.words)
        parts = [f'<div class="ocr_page" id="page_{page.number}" title="{title}">']
        for place, group in enumerate(groups, 1):
            words = [list(islice(shown, len(line.words))) for line in group]
            parts += self._paragraph(words, place, leftwards=group[0].leftwards)
        return "\n".join([*parts, "</div>\n"])

    def _paragraph(
        self, lines: Sequence[Sequence[Word]], place: int, *, leftwards: bool
    ) -> Iterator[str]:
        name = f"{self._page.number}_{place}"
        direction = ' dir="rtl"' if leftwards else ""
        title = self._bbox([word.bbox for words in lines for word in words])
        yield f'<p class="ocr_par" id="par_{name}"{direction} title="{title}">'
        number = count(1)
        for line_place, words in enumerate(lines, 1):
            title = self._bbox([word.bbox for word in words]) + self._angle
            written = " ".join(self._word(word, f"{name}_{next(number)}") for word in words)
            line_id = f"line_{name}_{line_place}"
            yield f'<span class="ocr_line" id="{line_id}" title="{title}">{written}</span>'
        yield "</p>"

    def _word(self, word: Word, name: str) -> str:
        title = f"{self._bbox([word.bbox])}; x_wconf {round(word.confidence * 100)}"
        return f'<span class="ocrx_word" id="word_{name}" title="{title}">{_text(word.text)}</span>'

    def _bbox(self, boxes: Sequence[Box]) -> str:
        """Return the pixels around some boxes, as far as they are on the page."""
        # Rounded, or 108 points would end behind the 450 pixels that they are.
        x0, y0, x1, y1 = (round(edge * self._scale, 3) for edge in around(boxes) or (0, 0, 0, 0))
        (left, right), (top, bottom) = sorted((x0, x1)), sorted((y0, y1))
        edges = (
            (math.floor(left), self._width),
            (math.floor(top), self._height),
            (math.ceil(right), self._width),
            (math.ceil(bottom), self._height),
        )
        return "bbox " + " ".join(str(min(max(edge, 0), end)) for edge, end in edges)


def _text(text: str) -> str:
    return escape(_NO_XML.sub("\ufffd", text))
