"""Makes pages of pictures, without encoding them anew where PDF knows their encoding.

A file of one picture is embedded as it is. The frames of a file of many are encoded one by one,
without loss unless they had been compressed with loss in a way that PDF does not know (WebP, and
JPEG within TIFF).
"""

import io
from pathlib import Path

import img2pdf
from pikepdf import Pdf
from PIL import Image, ImageOps

from ocr_worker.errors import PageDamaged, PageTooLarge
from ocr_worker.formats import Format
from ocr_worker.limits import Limits

_POINTS_PER_INCH = 72
_MOST_POINTS = 14_400  # of a side of a page (ISO 32000-1, annex C)
_CREDIBLE_DPI = (50, 2400)
_SHEET_INCHES = 11.69
"""A picture that does not tell its resolution is taken for one that fills a sheet of A4."""
_QUALITY = 85
_HEAD_BYTES = 1024 * 1024
_AS_IT_IS = {"L", "LA", "RGB", "RGBA", "P", "I;16"}


class PicturePages:
    """Turns the frames of a picture file into pages, each at its own resolution."""

    def __init__(self, path: Path, form: Format, *, pages: int, limits: Limits) -> None:
        # PDF knows no WebP.
        self._original = path if pages == 1 and form is not Format.WEBP else None
        self._lossy = form is Format.WEBP and not _is_lossless(path)
        self._limits = limits
        self._image = Image.open(path, formats=[form])

    def append(self, frame: int, pdf: Pdf) -> None:
        """Append a frame (the first is 1) to a document, as it is to be viewed.

        Raises `PageTooLarge` and `PageDamaged`; the frame is then an empty page.
        """
        image = self._image
        try:
            image.seek(frame - 1)
            self._refuse_large(image)
            data = _page(self._original, image, lossy=self._lossy)
        except MemoryError:
            raise
        except Exception as error:
            width, height = _points(image)
            pdf.add_blank_page(page_size=(min(width, _MOST_POINTS), min(height, _MOST_POINTS)))
            if isinstance(error, PageTooLarge):
                raise
            raise PageDamaged from error
        pdf.pages.extend(Pdf.open(io.BytesIO(data)).pages)

    def _refuse_large(self, image: Image.Image) -> None:
        width, height = image.size
        if width * height > self._limits.pixels:
            raise PageTooLarge(f"It measures {width} × {height} pixels.")


def _page(original: Path | None, image: Image.Image, *, lossy: bool) -> bytes:
    """Return a PDF of one page."""
    if original is not None:
        try:
            return _embedded(original.read_bytes(), _points(image))
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001, S110 - it refuses what it would have to alter
            pass
    lossy = lossy or image.info.get("compression") == "jpeg"
    upright = ImageOps.exif_transpose(image)
    return _embedded(_encoded(upright, lossy=lossy), _points(upright))


def _is_lossless(webp: Path) -> bool:
    """Whether the frames of a WebP file are of the lossless kind (RFC 9649, 2.6)."""
    with webp.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    return b"VP8L" in head and b"VP8 " not in head


def _embedded(data: bytes, size: tuple[float, float]) -> bytes:
    pdf: bytes = img2pdf.convert(
        data,
        layout_fun=lambda *_: (*size, *size),
        engine=img2pdf.Engine.pikepdf,
        first_frame_only=True,
        nodate=True,
    )
    return pdf


def _encoded(image: Image.Image, *, lossy: bool) -> bytes:
    data = io.BytesIO()
    if image.mode == "1":
        image.save(data, "TIFF", compression="group4")
    elif lossy:
        _on_white(image).save(data, "JPEG", quality=_QUALITY, icc_profile=None)
    else:
        plain = image if image.mode in _AS_IT_IS else image.convert("RGB")
        plain.save(data, "PNG")
    return data.getvalue()


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image if image.mode == "L" else image.convert("RGB")
    shown = image.convert("RGBA")
    white = Image.new("RGBA", shown.size, "white")
    return Image.alpha_composite(white, shown).convert("RGB")


def _points(image: Image.Image) -> tuple[float, float]:
    """Return width and height of the page for a picture."""
    x, y = (float(dpi) for dpi in image.info.get("dpi", (0, 0)))
    low, high = _CREDIBLE_DPI
    if not (low <= x <= high and low <= y <= high):
        x = y = max(max(image.size) / _SHEET_INCHES, _POINTS_PER_INCH)
    return image.width * _POINTS_PER_INCH / x, image.height * _POINTS_PER_INCH / y
