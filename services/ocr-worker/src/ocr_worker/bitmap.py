"""Hands a picture from the box to the worker: grey pixels in a file, and nothing to interpret."""

import os
import stat
from pathlib import Path

from PIL import Image

_NAME = "page.grey"


def write_bitmap(picture: Image.Image) -> tuple[int, int]:
    """Leave a picture in the current folder; return its width and height in pixels."""
    grey = picture if picture.mode == "L" else picture.convert("L")
    Path(_NAME).write_bytes(grey.tobytes())
    return grey.size


def read_bitmap(folder: Path, *, width: int, height: int) -> Image.Image:
    """Return the picture that was left in a folder, and remove it.

    Raises `ValueError` unless it is a plain file of just so many bytes.
    """
    path = folder / _NAME
    try:
        # Whoever has read the document may have left a pipe there, or a link.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ValueError("there is no picture") from error
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        alone = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
        if not alone or found.st_size != width * height:
            raise ValueError("the picture is not of the size that was told")
        pixels = file.read(width * height)
    path.unlink()
    return Image.frombytes("L", (width, height), pixels)
