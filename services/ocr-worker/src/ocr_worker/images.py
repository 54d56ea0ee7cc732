"""A picture file: a photograph or a scan, with one page per frame."""

import struct
import zlib
from pathlib import Path

from PIL import Image, ImageOps

from ocr_worker.errors import DocumentDamaged, PageDamaged, PageTooLarge, TooManyPages
from ocr_worker.formats import Format
from ocr_worker.limits import LONGEST_SIDE, Limits
from ocr_worker.reading import PageReading
from ocr_worker.recognition import Ocr, Prepared

# What Pillow raises for broken data, which is about anything but MemoryError.
_BROKEN = (
    *(OSError, SyntaxError, ValueError, EOFError, ArithmeticError, LookupError, TypeError),
    *(struct.error, zlib.error),
)
_FRAMED = {Format.TIFF, Format.WEBP}

Image.MAX_IMAGE_PIXELS = None  # counted here, for every frame, before it is decoded


class ImagePages:
    """The frames of an image file; `pages` tells how many there are."""

    def __init__(self, path: Path, form: Format, limits: Limits) -> None:
        self._limits = limits
        try:
            self._image = Image.open(path, formats=[form])
            self.pages = self._walk() if form in _FRAMED else 1
        except _BROKEN as error:
            raise DocumentDamaged from error

    def _walk(self) -> int:
        for frame in range(1, self._limits.pages + 1):
            try:
                self._image.seek(frame)
            except EOFError:
                return frame
        raise TooManyPages(f"At most {self._limits.pages} pages are read.")

    def read(self, number: int, *, ocr: Ocr, force_ocr: bool) -> PageReading | Prepared:
        """Recognise a frame (the first is 1) as it is to be viewed; sizes are in pixels.

        There is nothing but OCR for a picture, so `force_ocr` changes nothing. What is returned
        instead of a reading is for a backend outside the box.
        """
        try:
            self._image.seek(number - 1)
            self._refuse_large()
            dpi = self._image.info.get("dpi", (None,))[0]
            image = _for_recognition(ImageOps.exif_transpose(self._image))
        except _BROKEN as error:
            raise PageDamaged from error
        reading = ocr.read(image, page=image.size, dpi=dpi and float(dpi))
        return reading or PageReading.blank(*image.size)

    def _refuse_large(self) -> None:
        width, height = self._image.size
        if width * height > self._limits.pixels or max(width, height) > LONGEST_SIDE:
            raise PageTooLarge(f"It measures {width} × {height} pixels.")


def _for_recognition(image: Image.Image) -> Image.Image:
    """Return a picture in black and white or in grey, on white where it is transparent."""
    if image.mode == "1":
        return image
    if image.mode.startswith("I;16"):
        return image.point(lambda value: value / 256).convert("L")
    if "A" in image.getbands() or "transparency" in image.info:
        shown = image.convert("RGBA")
        white = Image.new("RGBA", shown.size, "white")
        image = Image.alpha_composite(white, shown)
    return image.convert("L")
