"""Estimates how tall the letters of a picture are, and which way up, without recognising any.

The picture is squeezed sideways until several letters fall into one pixel. A line of text then is
a band as high as the small letters, because ascenders and descenders are too few to darken it; the
heights of all bands together tell how small the print is.
"""

import re
from collections import Counter
from collections.abc import Iterator

from PIL import Image

_LETTERS = 32
"""Pixels that are squeezed into one: a few letters."""
_INK = 0.06
"""The share of ink that makes a squeezed pixel belong to a line."""
_CREDIBLE = (3, 150)
"""Pixels; what is lower is dirt or a rule, what is higher a picture."""
_SMALL_PRINT = 0.1
"""The share of the inked area that may be in letters smaller than the estimate."""
_LEAST_BANDS = 20
_DARKEST_PAPER = 128
_HEAD_DOWN = 0.7
_LEAST_LETTERS_COMPARED = 40

_RUN = re.compile(rb"\x01+")


def text_height(picture: Image.Image) -> int | None:
    """Return the height of a small letter (an x) in the smallest common print, in pixels.

    The lines must run about horizontally. None when there is too little text to tell.
    """
    bands = _bands(picture if picture.mode == "L" else picture.convert("L"))
    if bands.total() < _LEAST_BANDS:
        return None
    # Tall letters cover more; without the weight, specks would outvote the text.
    small = _SMALL_PRINT * sum(height * count for height, count in bands.items())
    for height in sorted(bands):
        small -= height * bands[height]
        if small <= 0:
            return height
    return None


def may_be_turned(picture: Image.Image) -> bool:
    """Return whether the page might lie on its side or stand on its head.

    On its side, what looks like lines is lower than what is really lines. On its head, there is
    more ink below the small letters than above, where most scripts have more.
    """
    grey = picture if picture.mode == "L" else picture.convert("L")
    upright = text_height(grey)
    turned = text_height(grey.transpose(Image.Transpose.ROTATE_90))
    if upright is None or turned is None or turned >= upright:
        return True
    return _ascent(grey, upright) < _HEAD_DOWN


def _ascent(grey: Image.Image, height: int) -> float:
    """Return how much more ink there is above small letters of that height than below."""
    squeezed, paper = _squeezed(grey)
    columns = squeezed.point([max(paper - shade, 0) for shade in range(256)]).tobytes()
    above = below = count = 0
    half = height // 2
    for start, end in _runs(squeezed, paper):
        if 0.8 * height <= end - start <= 1.3 * height and start % squeezed.width >= half:
            above += sum(columns[start - half : start])
            below += sum(columns[end : end + half])
            count += 1
    return above / below if below and count >= _LEAST_LETTERS_COMPARED else 1.0


def _bands(grey: Image.Image) -> Counter[int]:
    return Counter(end - start for start, end in _runs(*_squeezed(grey)))


def _squeezed(grey: Image.Image) -> tuple[Image.Image, int]:
    """Return the squeezed picture, turned so that each column is a row, and the paper's shade."""
    width = max(grey.width // _LETTERS, 1)
    squeezed = grey.resize((width, grey.height), Image.Resampling.BOX)
    shades = squeezed.histogram()
    paper = max(range(_DARKEST_PAPER, 256), key=lambda shade: shades[shade])
    return squeezed.transpose(Image.Transpose.TRANSPOSE), paper


def _runs(squeezed: Image.Image, paper: int) -> Iterator[tuple[int, int]]:
    """Yield where bands begin and end, as offsets into the bytes of the squeezed picture."""
    rows = squeezed.point([int(shade < paper * (1 - _INK)) for shade in range(256)]).tobytes()
    for start in range(0, len(rows), squeezed.width):
        for run in _RUN.finditer(rows, start, start + squeezed.width):
            if _CREDIBLE[0] <= run.end() - run.start() <= _CREDIBLE[1]:
                yield run.start(), run.end()
