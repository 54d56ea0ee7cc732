"""Tells whether a picture shows anything at all."""

from PIL import Image

_SHADES = 256
_LEAST_CONTRAST = 16
"""Shades between the lightest and the darkest pixel of a picture that shows something."""


def is_uniform(image: Image.Image) -> bool:
    """Return whether all pixels have about the same shade, in every channel of 8 bits or less."""
    counts = image.histogram()
    for start in range(0, len(counts), _SHADES):
        channel = counts[start : start + _SHADES]
        shades = [shade for shade, pixels in enumerate(channel) if pixels]
        if shades[-1] - shades[0] >= _LEAST_CONTRAST:
            return False
    return True
