"""Finds out which way up a page is, and in which script it is written, with Tesseract's help."""

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from PIL import Image

from ocr_worker import tessdata
from ocr_worker.backends.tesseract import is_embedded, load

if TYPE_CHECKING:
    from tesserocr import PyTessBaseAPI

_LEAST_CONFIDENCE = 1.0
"""Tesseract's own measure, which has no upper end; below this it has been guessing."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """By how many degrees a page must be turned clockwise to be upright, and its script."""

    rotation: int
    script: str
    """As Tesseract names it: "Latin", "Arabic", "Cyrillic" and so on."""


def detect(picture: Image.Image) -> Orientation | None:
    """Return the orientation of a page; None when there is too little text to tell.

    Also None where the data of Tesseract for this (osd.traineddata) is not installed.
    """
    if not tessdata.knows_orientations():
        return None
    found = _by_library(picture) if is_embedded() else _by_program(picture)
    if found is None or found[1] < _LEAST_CONFIDENCE:
        return None
    rotation, _, script = found
    return Orientation(rotation, script)


def _by_library(picture: Image.Image) -> tuple[int, float, str] | None:
    engine = _engine()
    try:
        engine.SetImage(picture)
        found = engine.DetectOrientationScript()
    finally:
        engine.Clear()
    if not found:
        return None
    return -found["orient_deg"] % 360, found["orient_conf"], found["script_name"]


@cache
def _engine() -> "PyTessBaseAPI":
    return load("osd", orientation_only=True)


def _by_program(picture: Image.Image) -> tuple[int, float, str] | None:
    from ocr_worker.backends.tesseract_program import TesseractError, run  # noqa: PLC0415

    try:
        told = run(picture, "osd", "--psm 0", output="osd")
    except TesseractError:  # what it says to a page without enough letters
        return None
    rotation = re.search(r"Rotate: (\d+)", told)
    confidence = re.search(r"Orientation confidence: ([\d.]+)", told)
    script = re.search(r"Script: (\w+)", told)
    if rotation is None or confidence is None or script is None:
        return None
    return int(rotation[1]), float(confidence[1]), script[1]
