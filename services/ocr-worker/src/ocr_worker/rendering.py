"""Draws pages as people see them, in colour: pictures for a viewer, and thumbnails."""

import struct
import zlib
from pathlib import Path
from typing import Literal

import pypdfium2.raw as pdfium
from PIL import Image, ImageOps
from pypdfium2 import PdfBitmap, PdfDocument, PdfiumError, PdfPage

from ocr_worker.errors import DocumentDamaged, DocumentEncrypted, PageDamaged, PageTooLarge
from ocr_worker.formats import Format
from ocr_worker.limits import Limits
from ocr_worker.page_content import survey
from ocr_worker.page_frame import PageFrame

PictureFormat = Literal["webp", "png"]

LONGEST_SIDE = 8_192
"""Pixels; WebP ends at 16,383, and no screen shows as many as these."""

_QUALITY = 80
# What Pillow raises for broken data.
_BROKEN = (
    *(OSError, SyntaxError, ValueError, EOFError, ArithmeticError, LookupError, TypeError),
    *(struct.error, zlib.error),
)


class PagePictures:
    """Draws the pages of one document."""

    def __init__(
        self, path: Path, form: Format, *, limits: Limits, password: str | None = None
    ) -> None:
        self._limits = limits
        try:
            self._document: PdfDocument | Image.Image = (
                PdfDocument(path, password=password)
                if form is Format.PDF
                else Image.open(path, formats=[form])
            )
        except PdfiumError as error:
            if error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
                raise DocumentEncrypted from error
            raise DocumentDamaged from error
        except _BROKEN as error:
            raise DocumentDamaged from error

    def draw(
        self, number: int, path: Path, *, within: tuple[int, int], form: PictureFormat
    ) -> tuple[int, int]:
        """Write a picture of a page (the first is 1) as it is shown; return its size in pixels.

        It is as large as fits `within` a width and height in pixels, but a page that is itself a
        picture is never enlarged. Raises `PageDamaged`, `PageTooLarge`.
        """
        bounds = min(within[0], LONGEST_SIDE), min(within[1], LONGEST_SIDE)
        try:
            if isinstance(self._document, Image.Image):
                picture = self._shrunk(self._document, number, bounds)
            else:
                picture = self._drawn(self._document, number, bounds)
        except (PdfiumError, *_BROKEN) as error:
            raise PageDamaged from error
        if form == "webp":
            picture.save(path, "WEBP", quality=_QUALITY)
        else:
            picture.save(path, "PNG")
        return picture.size

    def _drawn(self, document: PdfDocument, number: int, bounds: tuple[int, int]) -> Image.Image:
        page = document[number - 1]
        try:
            frame = PageFrame.of(page)
            pixels = max((one.pixels for one in survey(page, frame).pictures), default=0)
            if pixels > self._limits.pixels:
                raise PageTooLarge(f"A picture on it has {pixels} pixels.")
            return _rendered(page, *_fitted(frame.size, bounds))
        finally:
            page.close()

    def _shrunk(self, image: Image.Image, number: int, bounds: tuple[int, int]) -> Image.Image:
        image.seek(number - 1)
        if image.width * image.height > self._limits.pixels:
            raise PageTooLarge(f"It measures {image.width} × {image.height} pixels.")
        upright = _in_colour(ImageOps.exif_transpose(image))
        upright.thumbnail(bounds, Image.Resampling.LANCZOS)
        return upright


def _fitted(size: tuple[float, float], bounds: tuple[int, int]) -> tuple[int, int]:
    """Return the largest whole width and height of this shape within bounds."""
    if min(size) <= 0:
        raise PageDamaged("It has no visible area.")
    scale = min(bounds[0] / size[0], bounds[1] / size[1])
    return max(round(size[0] * scale), 1), max(round(size[1] * scale), 1)


def _rendered(page: PdfPage, width: int, height: int) -> Image.Image:
    bitmap = PdfBitmap.new_native(width, height, pdfium.FPDFBitmap_BGR)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
    pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, pdfium.FPDF_ANNOT)
    image: Image.Image = bitmap.to_pil()
    return image


def _in_colour(image: Image.Image) -> Image.Image:
    """Return a picture in grey or colour, on white where it is transparent."""
    if image.mode.startswith("I;16"):
        return image.point(lambda value: value / 256).convert("L")
    if image.has_transparency_data:
        shown = image.convert("RGBA")
        white = Image.new("RGBA", shown.size, "white")
        return Image.alpha_composite(white, shown).convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")
