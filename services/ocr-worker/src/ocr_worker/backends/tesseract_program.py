"""Tesseract as a program of its own, started for each page."""

import shutil
import signal
from pathlib import Path

import pytesseract.pytesseract as engine
from PIL import Image
from pytesseract.pytesseract import TesseractError

from ocr_worker import languages, tessdata
from ocr_worker.backends.protocol import Availability, Recognition
from ocr_worker.backends.tsv import lines_of
from ocr_worker.columns import unbraid
from ocr_worker.errors import BackendUnavailable, PageOutOfMemory, PageTimedOut
from ocr_worker.lines import reading_of

__all__ = ["TesseractError", "TesseractProgram", "run"]

_INSTALL = "Install tesseract-ocr with a language, such as tesseract-ocr-eng."
_OUT_OF_MEMORY = ("bad_alloc", "malloc fail")


class TesseractProgram:
    """Tesseract by pytesseract."""

    in_box = True
    upright = False

    def availability(self) -> Availability:
        """Tell whether the program and a language are there."""
        if shutil.which(engine.tesseract_cmd) is None:
            reason = "The program tesseract is not installed."
            return Availability(usable=False, reason=reason, install=_INSTALL)
        if tessdata.folder() is None:
            reason = "No language of Tesseract is installed."
            return Availability(usable=False, reason=reason, install=_INSTALL)
        return Availability(usable=True)

    def recognise(self, picture: Image.Image, *, language: str, dpi: float) -> Recognition:
        """Recognise the text; see `Backend`."""
        names = languages.resolve(language)
        config = f"--psm 3 --dpi {dpi:.0f} -c tessedit_create_tsv=1"
        table = run(picture, names, config, output="tsv")
        _, _, rows = table.partition("\n")
        return Recognition(reading_of(unbraid(lines_of(rows))), names)


def run(picture: Image.Image, names: str, config: str, *, output: str) -> str:
    """Run the program on a picture and return the file that it makes.

    Raises `BackendUnavailable`, `PageOutOfMemory`, `PageTimedOut`.
    """
    picture = picture.copy()
    picture.format = "PPM"  # how pytesseract hands it over: uncompressed, at its own depth
    config += f' --tessdata-dir "{tessdata.folder()}"'
    try:
        with engine.save(picture) as (base, file):
            engine.run_tesseract(file, base, extension="", lang=names, config=config)
            return Path(f"{base}.{output}").read_text(encoding="utf-8", errors="replace")
    except engine.TesseractNotFoundError as error:
        raise BackendUnavailable(_INSTALL) from error
    except TesseractError as error:
        if error.status == -signal.SIGXCPU:
            raise PageTimedOut from None
        if any(complaint in error.message for complaint in _OUT_OF_MEMORY):
            raise PageOutOfMemory from None
        raise  # nothing that is known to depend on the picture, so somebody should see it
