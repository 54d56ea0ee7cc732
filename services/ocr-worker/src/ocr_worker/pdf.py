"""A PDF document: counts its pages, and reads each from its text layer or from its picture."""

from pathlib import Path

import pypdfium2.raw as pdfium
from PIL import Image
from pypdfium2 import PdfBitmap, PdfDocument, PdfiumError, PdfPage

from ocr_worker import tesseract
from ocr_worker.errors import (
    DocumentDamaged,
    DocumentEncrypted,
    PageDamaged,
    PageOutOfMemory,
    PageTooLarge,
    TooManyPages,
)
from ocr_worker.limits import Limits
from ocr_worker.page_content import PageContent, pictures_show_something, survey
from ocr_worker.page_frame import PageFrame
from ocr_worker.reading import PageReading
from ocr_worker.text_layer import TextLayer, read_text_layer

_POINTS_PER_INCH = 72
_LEAST_POINTS = 1
_OCR_DPI = 300.0
_LEAST_DPI = 72
_NATIVE_DPI = (200, 400)
"""Scans between these resolutions are rasterised pixel by pixel, so that nothing is blurred."""

_MUCH_TEXT = 200
"""Visible characters that make a text layer trustworthy even on a page that is one picture."""
_DOMINATED = 0.5
"""The share of a page that pictures must cover for it to count as a scan."""


class PdfPages:
    """The pages of a PDF document; `pages` tells how many there are."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._limits = limits
        try:
            self._document = PdfDocument(path)
        except PdfiumError as error:
            if error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
                raise DocumentEncrypted from error
            raise DocumentDamaged from error
        self.pages = self._walk()

    def _walk(self) -> int:
        """Count the pages that are there; what the document claims is only an upper bound."""
        most = self._limits.pages
        last = 0
        for index in range(min(len(self._document), most + 1)):
            try:
                self._document.get_page_size(index)
            except PdfiumError:
                continue  # a hole; if no page follows it, it was never there
            last = index + 1
        if last > most:
            raise TooManyPages(f"At most {most} pages are read.")
        if last == 0:
            raise DocumentDamaged("It has no pages.")
        return last

    def read(self, number: int, *, language: str, force_ocr: bool) -> PageReading:
        """Read a page (the first is 1), by OCR only when its text layer will not do.

        Sizes and boxes are in points.
        """
        try:
            page = self._document[number - 1]
        except PdfiumError as error:
            raise PageDamaged from error
        try:
            return self._read(page, language, force_ocr)
        except PdfiumError as error:
            raise PageDamaged from error
        finally:
            page.close()

    def _read(self, page: PdfPage, language: str, force_ocr: bool) -> PageReading:
        frame = PageFrame.of(page)
        width, height = frame.size
        if min(width, height) < _LEAST_POINTS:
            raise PageDamaged("It has no visible area.")
        layer = read_text_layer(page, frame=frame, most=self._limits.characters)
        if layer.sane and layer.readable >= _MUCH_TEXT and not force_ocr:
            return PageReading.text_layer(width, height, layer.reading)
        content = survey(page, frame)
        if _is_trustworthy(layer, content) and not force_ocr:
            return PageReading.text_layer(width, height, layer.reading)
        drawn = layer.readable or layer.unreadable or content.pictures or content.other_drawings
        if not drawn:
            return PageReading.blank(width, height)
        image, dpi = self._rasterise(page, frame, content)
        recognised = tesseract.recognise(image, language=language, dpi=dpi)
        if recognised is None:
            # pdfium silently leaves out a picture that it cannot decode or has no memory for.
            if pictures_show_something(page) and content.picture_share > _DOMINATED:
                raise PageOutOfMemory
            return PageReading.blank(width, height)
        scaled = recognised.reading.scaled(width / image.width, height / image.height)
        return PageReading.ocr(width, height, scaled, language=recognised.language)

    def _rasterise(
        self, page: PdfPage, frame: PageFrame, content: PageContent
    ) -> tuple[Image.Image, float]:
        """Draw a page in grey, or in black and white if it is; also return its resolution."""
        width, height = frame.size
        largest = max((picture.pixels for picture in content.pictures), default=0)
        if largest > self._limits.pixels:
            raise PageTooLarge(f"A picture on it has {largest} pixels.")
        most_dpi = _POINTS_PER_INCH * min(
            (self._limits.pixels / (width * height)) ** 0.5,
            tesseract.LONGEST_SIDE / max(width, height),
        )
        if most_dpi < _LEAST_DPI:
            raise PageTooLarge(f"It measures {width:.0f} × {height:.0f} points.")
        dpi, native = _OCR_DPI, False
        if len(content.pictures) == 1 and content.picture_share > _DOMINATED:
            own_dpi = content.pictures[0].dpi
            if _NATIVE_DPI[0] <= own_dpi <= min(_NATIVE_DPI[1], most_dpi):
                dpi, native = own_dpi, True
        dpi = min(dpi, most_dpi)
        image = _draw(
            page, round(width * dpi / _POINTS_PER_INCH), round(height * dpi / _POINTS_PER_INCH)
        )
        if native and content.bitonal:
            image = image.convert("1", dither=Image.Dither.NONE)
        return image, dpi


def _is_trustworthy(layer: TextLayer, content: PageContent) -> bool:
    """Whether the text layer holds what the page shows.

    A few visible characters on a scan are a stamp or a page number, not its text; hidden ones are
    what an OCR program left there.
    """
    scanned = content.picture_share > _DOMINATED
    return layer.sane and (not scanned or content.hidden_text or layer.readable >= _MUCH_TEXT)


def _draw(page: PdfPage, width: int, height: int) -> Image.Image:
    bitmap = PdfBitmap.new_native(max(width, 1), max(height, 1), pdfium.FPDFBitmap_Gray)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, bitmap.width, bitmap.height)
    pdfium.FPDF_RenderPageBitmap(
        *(bitmap, page, 0, 0, bitmap.width, bitmap.height, 0),
        pdfium.FPDF_GRAYSCALE | pdfium.FPDF_ANNOT,
    )
    image: Image.Image = bitmap.to_pil()
    return image
