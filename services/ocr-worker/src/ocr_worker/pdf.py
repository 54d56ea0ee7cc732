"""A PDF document: counts its pages, and reads each from its text layer, its picture, or both."""

from dataclasses import replace
from pathlib import Path

import pypdfium2.raw as pdfium
from PIL import Image
from pypdfium2 import PdfBitmap, PdfDocument, PdfiumError, PdfPage

from ocr_worker.errors import (
    DocumentDamaged,
    DocumentEncrypted,
    PageDamaged,
    PageOutOfMemory,
    PageTooLarge,
    TooManyPages,
    WrongPassword,
)
from ocr_worker.limits import LONGEST_SIDE, Limits
from ocr_worker.merging import merged
from ocr_worker.page_content import (
    PageContent,
    may_hold_picture,
    pictures_show_something,
    survey,
)
from ocr_worker.page_frame import PageFrame
from ocr_worker.reading import Bbox, PageReading, Reading, ReadWord
from ocr_worker.recognition import Ocr, Prepared
from ocr_worker.tables.finding import tables_of_page
from ocr_worker.text_height import text_height
from ocr_worker.text_layer import TextLayer, read_text_layer

_POINTS_PER_INCH = 72
_LEAST_POINTS = 1
_OCR_DPI = 300.0
_LEAST_DPI = 72
_NATIVE_DPI = (100, 600)
"""Scans between these resolutions are rasterised pixel by pixel, so that nothing is blurred."""

_DOMINATED = 0.5
"""The share of a page that pictures must cover for it to count as a scan."""
_LARGE_PICTURE = 0.15
"""The share of a page that a picture must cover for it to be looked at beside a text layer."""
_LEGIBLE_DPI = 70
_POINTS_PER_WORD = 4_000
"""Square points; where stored words are denser than this, they are what the picture shows."""


class PdfPages:
    """The pages of a PDF document; `pages` tells how many there are."""

    def __init__(self, path: Path, limits: Limits, *, password: str | None = None) -> None:
        self._limits = limits
        try:
            self._document = PdfDocument(path, password=password)
        except PdfiumError as error:
            if error.err_code == pdfium.FPDF_ERR_PASSWORD and password is not None:
                raise WrongPassword from error
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

    def read(self, number: int, *, ocr: Ocr, force_ocr: bool) -> PageReading | Prepared:
        """Read a page (the first is 1), by OCR only where its text layer will not do.

        Sizes and boxes are in points. What is returned instead of a reading is for a backend
        outside the box.
        """
        try:
            page = self._document[number - 1]
        except PdfiumError as error:
            raise PageDamaged from error
        try:
            return self._read(page, ocr, force_ocr)
        except PdfiumError as error:
            raise PageDamaged from error
        finally:
            page.close()

    def _read(self, page: PdfPage, ocr: Ocr, force_ocr: bool) -> PageReading | Prepared:
        frame = PageFrame.of(page)
        width, height = frame.size
        if min(width, height) < _LEAST_POINTS:
            raise PageDamaged("It has no visible area.")
        layer = read_text_layer(page, frame=frame, most=self._limits.characters)
        stored = PageReading.text_layer(width, height, layer.reading)
        if layer.sane:
            tables = tables_of_page(page, frame=frame, words=layer.reading.words)
            stored = replace(stored, tables=tables)
        least = _LARGE_PICTURE * width * height
        if layer.is_much and not force_ocr and not may_hold_picture(page, area=least):
            return stored
        content = survey(page, frame)
        if _is_trustworthy(layer, content) and not force_ocr:
            unread = _unread_pictures(layer.reading, content, frame)
            if not unread:
                return stored
            image, dpi = self._rasterise(page, frame, content)
            return _read_both(image, dpi=dpi, ocr=ocr, stored=stored, regions=unread)
        drawn = layer.readable or layer.unreadable or content.pictures or content.other_drawings
        if not drawn:
            return PageReading.blank(width, height)
        image, dpi = self._rasterise(page, frame, content)
        reading = ocr.read(image, page=frame.size, dpi=dpi)
        if reading is None:
            # pdfium silently leaves out a picture that it cannot decode or has no memory for.
            if pictures_show_something(page) and content.picture_share > _DOMINATED:
                raise PageOutOfMemory
            return PageReading.blank(width, height)
        return reading

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
            LONGEST_SIDE / max(width, height),
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
    """Whether the text layer holds what the page shows, but for pictures among the text.

    A few visible characters on a scan are a stamp or a page number, not its text; hidden ones are
    what an OCR program left there.
    """
    scanned = content.picture_share > _DOMINATED
    return layer.sane and (not scanned or content.hidden_text or layer.is_much)


def _unread_pictures(layer: Reading, content: PageContent, frame: PageFrame) -> list[Bbox]:
    """Return where large pictures are that may show text of which the layer knows nothing."""
    width, height = frame.size
    unread: list[Bbox] = []
    for picture in content.pictures:
        left, top, right, bottom = frame.shown(picture.bounds)
        within = 0 <= left < right <= width + 1 and 0 <= top < bottom <= height + 1
        large = picture.area >= _LARGE_PICTURE * width * height
        if within and large and picture.dpi >= _LEGIBLE_DPI:
            known = sum(
                left <= word.bbox[0] <= right and top <= word.bbox[1] <= bottom
                for word in layer.words
            )
            if known * _POINTS_PER_WORD < picture.area:
                unread.append((left, top, right, bottom))
    return unread


def _read_both(
    image: Image.Image, *, dpi: float, ocr: Ocr, stored: PageReading, regions: list[Bbox]
) -> PageReading | Prepared:
    """Recognise regions of a page that has a good text layer, and put the two together.

    A backend outside the box gets the whole page.
    """
    page = stored.width, stored.height
    if ocr.backend is None:
        return ocr.read(image, page=page, dpi=dpi) or stored
    scale = image.width / stored.width
    reading, language = stored.reading, None
    for region in regions:
        x0, y0, x1, y1 = region
        part = image.crop(
            (round(x0 * scale), round(y0 * scale), round(x1 * scale), round(y1 * scale))
        )
        if text_height(part) is None:
            continue
        found = ocr.read(part, page=(x1 - x0, y1 - y0), dpi=dpi)
        if isinstance(found, PageReading):
            together = merged(reading, _moved(found.reading, x0, y0), region)
            language = language if together is reading else found.language
            reading = together
    if reading is stored.reading:
        return stored
    return replace(
        stored,
        backend=f"{stored.backend}+{ocr.name}",
        language=language,
        confidence=reading.confidence,
        reading=reading,
    )


def _moved(reading: Reading, x: float, y: float) -> Reading:
    words = [
        ReadWord(text, (x0 + x, y0 + y, x1 + x, y1 + y), confidence)
        for text, (x0, y0, x1, y1), confidence in reading.words
    ]
    return Reading(reading.text, words)


def _draw(page: PdfPage, width: int, height: int) -> Image.Image:
    try:
        bitmap = PdfBitmap.new_native(max(width, 1), max(height, 1), pdfium.FPDFBitmap_Gray)
    except PdfiumError as error:
        raise PageOutOfMemory from error  # its size was checked, so nothing else is wrong with it
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, bitmap.width, bitmap.height)
    pdfium.FPDF_RenderPageBitmap(
        *(bitmap, page, 0, 0, bitmap.width, bitmap.height, 0),
        pdfium.FPDF_GRAYSCALE | pdfium.FPDF_ANNOT,
    )
    image: Image.Image = bitmap.to_pil()
    return image
