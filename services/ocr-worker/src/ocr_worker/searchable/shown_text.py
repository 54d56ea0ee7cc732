"""Where a page of a PDF shows text of its own, so that it is not laid over it a second time."""

import ctypes
from collections import defaultdict

import pypdfium2.raw as pdfium
from pypdfium2 import PdfPage

from ocr_worker.page_frame import PageFrame
from ocr_worker.reading import ReadWord

_COVERED = 0.5
_CELL = 12.0  # points


class ShownText:
    """Where the visible characters are whose meaning is known, in points as the page is shown."""

    def __init__(self, page: PdfPage, frame: PageFrame, *, most: int) -> None:
        self._middles: dict[tuple[int, int], list[tuple[float, float]]] = defaultdict(list)
        textpage = page.get_textpage()
        try:
            self._collect(textpage.raw, min(textpage.count_chars(), most), frame)
        finally:
            textpage.close()

    def _collect(self, textpage: object, count: int, frame: PageFrame) -> None:
        left, right = ctypes.c_double(), ctypes.c_double()
        bottom, top = ctypes.c_double(), ctypes.c_double()
        edges = [ctypes.byref(edge) for edge in (left, right, bottom, top)]
        for index in range(count):
            item = pdfium.FPDFText_GetTextObject(textpage, index)
            if (
                not item
                or pdfium.FPDFTextObj_GetTextRenderMode(item)
                == pdfium.FPDF_TEXTRENDERMODE_INVISIBLE
                or pdfium.FPDFText_HasUnicodeMapError(textpage, index) == 1
                or not pdfium.FPDFText_GetCharBox(textpage, index, *edges)
            ):
                continue
            box = frame.shown((left.value, bottom.value, right.value, top.value))
            x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
            self._middles[int(x // _CELL), int(y // _CELL)].append((x, y))

    def covers(self, word: ReadWord, x: float, y: float) -> bool:
        """Whether shown characters stand where a word is, at least one for every other of its own.

        `x` and `y` are the points per unit of the word's box.
        """
        x0, y0, x1, y1 = (edge * scale for edge, scale in zip(word.bbox, (x, y, x, y), strict=True))
        inside = sum(
            x0 <= across <= x1 and y0 <= down <= y1
            for column in range(int(x0 // _CELL), int(x1 // _CELL) + 1)
            for row in range(int(y0 // _CELL), int(y1 // _CELL) + 1)
            for across, down in self._middles.get((column, row), ())
        )
        return inside >= _COVERED * len(word.text)
