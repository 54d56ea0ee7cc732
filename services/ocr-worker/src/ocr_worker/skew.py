"""Finds by how much a scanned page lies askew.

When the lines are level, the rows of the picture are either text or the white between the lines;
the more askew they are, the more alike all rows become. The angle at which the rows differ most
is the right one.
"""

import math
from collections.abc import Callable
from itertools import pairwise

from PIL import Image

_MOST_DEGREES = 6.0
_COARSE, _FINE = 0.5, 0.1
_LEAST_DEGREES = 0.4
"""Below this, engines cope, and turning would only blur the letters."""
_LEAST_GAIN = 1.05
_HIGHEST = 900
"""Pixels to which a page is made smaller; a line of text is then a few rows high."""


def find_skew(picture: Image.Image) -> float:
    """Return by how many degrees the lines fall to the right (negative: rise); 0 if in doubt."""
    factor = max(round(picture.height / _HIGHEST), 1)
    grey = picture if picture.mode == "L" else picture.convert("L")
    ink = grey.reduce(factor).point([255 - shade for shade in range(256)])
    straight = _sharpness(ink, 0.0)
    steps = round(_MOST_DEGREES / _COARSE)
    coarse = max((step * _COARSE for step in range(-steps, steps + 1)), key=_by_sharpness(ink))
    steps = round(_COARSE / _FINE)
    fine = (coarse + step * _FINE for step in range(-steps, steps + 1))
    angle = max(fine, key=_by_sharpness(ink))
    at_the_end = abs(angle) >= _MOST_DEGREES
    if abs(angle) < _LEAST_DEGREES or at_the_end or _sharpness(ink, angle) < straight * _LEAST_GAIN:
        return 0.0
    return round(angle, 1)


def _by_sharpness(ink: Image.Image) -> Callable[[float], int]:
    return lambda degrees: _sharpness(ink, degrees)


def _sharpness(ink: Image.Image, degrees: float) -> int:
    slope = math.tan(math.radians(degrees))
    level = ink.transform(
        ink.size,
        Image.Transform.AFFINE,
        (1, 0, 0, slope, 1, -slope * ink.width / 2),
        Image.Resampling.NEAREST,
    )
    rows = level.resize((1, ink.height), Image.Resampling.BOX).tobytes()
    return sum((a - b) ** 2 for a, b in pairwise(rows))
