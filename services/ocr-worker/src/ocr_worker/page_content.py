"""Looks at what a PDF page draws, without drawing it."""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import pypdfium2.raw as pdfium
from pypdfium2 import PdfImage, PdfObject, PdfPage

from ocr_worker.contrast import is_uniform
from ocr_worker.page_frame import PageFrame
from ocr_worker.reading import Bbox

_MOST_OBJECTS = 20_000  # a page of so many objects is a drawing; no scan hides behind the last one
_MAY_BE_PICTURES = {pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM}


@dataclass(frozen=True, slots=True)
class Picture:
    """An image on a page: its size in pixels, and where it stands in the page's coordinates."""

    width: int
    height: int
    bounds: Bbox

    @property
    def pixels(self) -> int:
        """How many pixels it has when decoded."""
        return self.width * self.height

    @property
    def area(self) -> float:
        """The area that it covers, in square points."""
        left, bottom, right, top = self.bounds
        return (right - left) * (top - bottom)

    @property
    def dpi(self) -> float:
        """Pixels per inch of the page."""
        return 72 * (self.pixels / self.area) ** 0.5 if self.area else 0.0


@dataclass(frozen=True, slots=True)
class PageContent:
    """What a page draws: its pictures, hidden text (as OCR leaves it), and anything else."""

    pictures: tuple[Picture, ...]
    picture_share: float
    """The part of the page that pictures cover, 0 to 1."""
    hidden_text: bool
    other_drawings: bool
    bitonal: bool
    """Whether the page is one black-and-white picture and nothing else."""


def survey(page: PdfPage, frame: PageFrame) -> PageContent:
    """Survey the objects of a page, those within forms included."""
    pictures: list[Picture] = []
    hidden_text = False
    other_drawings = pdfium.FPDFPage_GetAnnotCount(page) > 0
    image = None
    for item in islice(page.get_objects(), _MOST_OBJECTS):
        if isinstance(item, PdfImage):
            image = item
            width, height = item.get_px_size()
            pictures.append(Picture(width, height, _bounds(item)))
        elif item.type == pdfium.FPDF_PAGEOBJ_TEXT:
            mode = pdfium.FPDFTextObj_GetTextRenderMode(item)
            hidden_text |= mode == pdfium.FPDF_TEXTRENDERMODE_INVISIBLE
        elif item.type != pdfium.FPDF_PAGEOBJ_FORM:
            other_drawings = True
    alone = len(pictures) == 1 and not other_drawings
    return PageContent(
        pictures=tuple(pictures),
        picture_share=_share(pictures, frame),
        hidden_text=hidden_text,
        other_drawings=other_drawings,
        bitonal=alone and image is not None and image.get_metadata().bits_per_pixel == 1,
    )


def may_hold_picture(page: PdfPage, *, area: float) -> bool:
    """Return whether there may be a picture of that area, in square points.

    Much faster than `survey`, because a page of a book has thousands of objects.
    """
    edges = [ctypes.c_float() for _ in range(4)]
    references = [ctypes.byref(edge) for edge in edges]
    for index in range(min(pdfium.FPDFPage_CountObjects(page), _MOST_OBJECTS)):
        item = pdfium.FPDFPage_GetObject(page, index)
        if pdfium.FPDFPageObj_GetType(item) in _MAY_BE_PICTURES and pdfium.FPDFPageObj_GetBounds(
            item, *references
        ):
            left, bottom, right, top = (edge.value for edge in edges)
            if (right - left) * (top - bottom) >= area:
                return True
    return False


def pictures_show_something(page: PdfPage) -> bool:
    """Decode every picture by itself, and return whether one of them shows anything.

    Raises `PdfiumError` when one cannot be decoded.
    """
    something = False
    for item in islice(page.get_objects(), _MOST_OBJECTS):
        if isinstance(item, PdfImage):
            something |= not is_uniform(item.get_bitmap().to_pil())
    return something


def _bounds(image: PdfImage) -> Bbox:
    # An image is the unit square until its matrix, and those of the forms around it, place it.
    corners = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)]
    for item in _outwards(image):
        matrix = item.get_matrix()
        corners = [matrix.on_point(x, y) for x, y in corners]
    xs, ys = zip(*corners, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _outwards(item: PdfObject | None) -> Iterator[PdfObject]:
    while item is not None:
        yield item
        item = item.container


def _share(pictures: list[Picture], frame: PageFrame) -> float:
    width, height = frame.size
    covered = 0.0
    for picture in pictures:
        left, bottom, right, top = picture.bounds
        across = min(right, frame.right) - max(left, frame.left)
        upwards = min(top, frame.top) - max(bottom, frame.bottom)
        covered += max(across, 0.0) * max(upwards, 0.0)
    return min(covered / (width * height), 1.0) if width * height else 0.0
