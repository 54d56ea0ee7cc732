"""Finds what Tesseract has learnt: one `*.traineddata` file per language."""

import os
import re
import subprocess
from functools import cache
from pathlib import Path

_USUAL = (
    "/usr/share/tesseract-ocr/5/tessdata",
    "/usr/share/tesseract-ocr/4.00/tessdata",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
)
_SUFFIX = ".traineddata"
_NOT_LANGUAGES = {"osd", "equ"}
_OSD = "osd"
_ASKING_SECONDS = 5


@cache
def folder() -> Path | None:
    """Return the folder with the languages, or None when there is none.

    `TESSDATA_PREFIX` decides, as it does for Tesseract; without it the usual places are looked at,
    and at last the program itself is asked.
    """
    if prefix := os.environ.get("TESSDATA_PREFIX"):
        candidates = [Path(prefix), Path(prefix) / "tessdata"]
    else:
        candidates = [*map(Path, _USUAL)]
        if not any(map(_has_languages, candidates)):
            candidates = _told_by_the_program()
    return next(filter(_has_languages, candidates), None)


def installed() -> frozenset[str]:
    """Return the languages that can be recognised, in Tesseract's names."""
    return _names() - _NOT_LANGUAGES


def knows_orientations() -> bool:
    """Return whether Tesseract can tell which way up a page is, and its script."""
    return _OSD in _names()


@cache
def _names() -> frozenset[str]:
    place = folder()
    return frozenset() if place is None else frozenset(file.stem for file in _files(place))


def _files(place: Path) -> list[Path]:
    return sorted(place.glob(f"*{_SUFFIX}"))


def _has_languages(place: Path) -> bool:
    return bool(_files(place))


def _told_by_the_program() -> list[Path]:
    try:
        told = subprocess.run(
            ["tesseract", "--list-langs"],
            capture_output=True,
            text=True,
            timeout=_ASKING_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [Path(place) for place in re.findall(r'"(.+)"', told.stdout)]
