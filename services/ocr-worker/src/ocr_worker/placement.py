"""Tells where on the page something is that was found in a picture of it."""

import math
from dataclasses import dataclass

from ocr_worker.reading import Bbox, Reading, ReadWord

Size = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Placement:
    """How a page became the picture that an engine has seen, in this order.

    The page was drawn, turned clockwise by `rotation` (0, 90, 180 or 270), made larger or smaller,
    and turned clockwise by `-skew` to make its lines level.
    """

    page: Size
    """Width and height in page units, as the page is shown."""
    rotation: int
    skew: float
    scaled: Size
    """In pixels, after it was turned by `rotation` and scaled."""
    picture: Size
    """In pixels, as the engine has seen it."""

    def on_page(self, box: Bbox) -> Bbox:
        """Turn a box of the picture into one of the page, in page units and within the page."""
        x0, y0, x1, y1 = box
        points = [self._point(x, y) for x in (x0, x1) for y in (y0, y1)]
        xs, ys = zip(*points, strict=True)
        width, height = self.page
        return (
            *(_within(min(xs), width), _within(min(ys), height)),
            *(_within(max(xs), width), _within(max(ys), height)),
        )

    def reading_on_page(self, reading: Reading) -> Reading:
        """Return a reading with its boxes on the page."""
        words = [ReadWord(text, self.on_page(box), sure) for text, box, sure in reading.words]
        return Reading(reading.text, words)

    def _point(self, x: float, y: float) -> tuple[float, float]:
        if self.skew:
            x, y = self._askew(x, y)
        across, down = x / self.scaled[0], y / self.scaled[1]
        match self.rotation:
            case 90:
                across, down = down, 1 - across
            case 180:
                across, down = 1 - across, 1 - down
            case 270:
                across, down = 1 - down, across
        return across * self.page[0], down * self.page[1]

    def _askew(self, x: float, y: float) -> tuple[float, float]:
        # The picture was turned about its middle, and made larger so that no corner was lost.
        sine, cosine = math.sin(math.radians(self.skew)), math.cos(math.radians(self.skew))
        x, y = x - self.picture[0] / 2, y - self.picture[1] / 2
        return (
            x * cosine - y * sine + self.scaled[0] / 2,
            x * sine + y * cosine + self.scaled[1] / 2,
        )


def _within(value: float, most: float) -> float:
    return min(max(value, 0.0), most)
