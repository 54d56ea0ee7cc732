"""Turns a PDF page's own coordinates into those of the page as it is shown."""

from dataclasses import dataclass

from pypdfium2 import PdfPage

from ocr_worker.reading import Bbox


@dataclass(frozen=True, slots=True)
class PageFrame:
    """The visible part of a page, in points, and by how many degrees it is turned clockwise."""

    left: float
    bottom: float
    right: float
    top: float
    rotation: int

    @classmethod
    def of(cls, page: PdfPage) -> "PageFrame":
        """Return the frame of a page."""
        left, bottom, right, top = page.get_bbox()
        return cls(left, bottom, right, top, page.get_rotation())

    @property
    def size(self) -> tuple[float, float]:
        """Width and height as shown, in points."""
        width, height = self.right - self.left, self.top - self.bottom
        return (height, width) if self.rotation in (90, 270) else (width, height)

    def shown(self, box: Bbox) -> Bbox:
        """Turn left, bottom, right, top (y upwards) into x0, y0, x1, y1 (y downwards)."""
        left, bottom, right, top = box
        match self.rotation:
            case 90:
                turned = (bottom - self.bottom, left - self.left)
                corner = (top - self.bottom, right - self.left)
            case 180:
                turned = (self.right - right, bottom - self.bottom)
                corner = (self.right - left, top - self.bottom)
            case 270:
                turned = (self.top - top, self.right - right)
                corner = (self.top - bottom, self.right - left)
            case _:
                turned = (left - self.left, self.top - top)
                corner = (right - self.left, self.top - bottom)
        return (*turned, *corner)
