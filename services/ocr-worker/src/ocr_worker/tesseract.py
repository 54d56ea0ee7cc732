"""Recognises the text of a picture with Tesseract."""

import csv
import signal
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path

import pytesseract.pytesseract as engine
from PIL import Image

from ocr_worker.contrast import is_uniform
from ocr_worker.errors import (
    BackendUnavailable,
    LanguageNotInstalled,
    PageOutOfMemory,
    PageTimedOut,
)
from ocr_worker.reading import Reading, ReadWord

LONGEST_SIDE = 32_000
"""Pixels; Tesseract refuses a picture whose width or height does not fit into 16 bits."""

_SHORTEST_SIDE = 10
_OUT_OF_MEMORY = ("bad_alloc", "malloc fail")
_CREDIBLE_DPI = (70, 2400)

_NOT_LANGUAGES = {"osd", "equ"}
_ISO_639_1 = {
    "ar": "ara",
    "cs": "ces",
    "da": "dan",
    "de": "deu",
    "el": "ell",
    "en": "eng",
    "es": "spa",
    "fi": "fin",
    "fr": "fra",
    "he": "heb",
    "hu": "hun",
    "it": "ita",
    "ja": "jpn",
    "ko": "kor",
    "nl": "nld",
    "no": "nor",
    "pl": "pol",
    "pt": "por",
    "ru": "rus",
    "sv": "swe",
    "tr": "tur",
    "uk": "ukr",
    "zh": "chi_sim",
}


@dataclass(frozen=True, slots=True)
class Recognition:
    """A reading, and the language in which it was made, in Tesseract's names."""

    reading: Reading
    language: str


@cache
def installed_languages() -> frozenset[str]:
    """Return the languages that can be recognised, in Tesseract's names.

    Raises `BackendUnavailable` when Tesseract is not installed.
    """
    try:
        return frozenset(engine.get_languages()) - _NOT_LANGUAGES
    except engine.TesseractNotFoundError as error:
        raise BackendUnavailable from error


def resolve_language(asked: str) -> str:
    """Turn "de+en" or "deu+eng" into Tesseract's names.

    Raises `LanguageNotInstalled` for anything that is not installed, `BackendUnavailable`.
    """
    names = dict.fromkeys(_ISO_639_1.get(name, name) for name in asked.strip().lower().split("+"))
    for name in names:
        if name not in installed_languages():
            raise LanguageNotInstalled(f"{name[:20]!r} is not among the installed languages.")
    return "+".join(names)


def recognise(image: Image.Image, *, language: str, dpi: float | None) -> Recognition | None:
    """Recognise the text of a picture, whichever way up it is; None when it shows nothing.

    The picture is black and white ("1") or grey ("L"); boxes are in its pixels, as it was given.
    Raises `LanguageNotInstalled`, `BackendUnavailable`, `PageOutOfMemory`, `PageTimedOut`.
    """
    if min(image.size) < _SHORTEST_SIDE or is_uniform(image):
        return None
    names = resolve_language(language)
    # --psm 1 finds out by itself which way is up; on upright pages it reads exactly as --psm 3.
    config = "--psm 1 -c tessedit_create_txt=1 -c tessedit_create_tsv=1"
    if dpi is not None and _CREDIBLE_DPI[0] <= dpi <= _CREDIBLE_DPI[1]:
        config += f" --dpi {dpi:.0f}"
    image.format = "PPM"  # how pytesseract hands the picture over: uncompressed, at its own depth
    try:
        with engine.save(image) as (base, file):
            engine.run_tesseract(file, base, extension="", lang=names, config=config)
            text = Path(f"{base}.txt").read_text(encoding="utf-8", errors="replace")
            table = Path(f"{base}.tsv").read_text(encoding="utf-8", errors="replace")
    except engine.TesseractNotFoundError as error:
        raise BackendUnavailable from error
    except engine.TesseractError as error:
        if error.status == -signal.SIGXCPU:
            raise PageTimedOut from None
        if any(complaint in error.message for complaint in _OUT_OF_MEMORY):
            raise PageOutOfMemory from None
        raise  # nothing that is known to depend on the picture, so somebody should see it
    return Recognition(Reading(text.replace("\f", "\n").strip(), _words(table)), names)


def _words(table: str) -> list[ReadWord]:
    words = []
    for row in csv.DictReader(StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        word = (row["text"] or "").strip()
        if row["level"] == "5" and word:
            left, top = float(row["left"]), float(row["top"])
            box = (left, top, left + float(row["width"]), top + float(row["height"]))
            words.append(ReadWord(word, box, min(max(float(row["conf"]) / 100, 0.0), 1.0)))
    return words
