"""Tesseract within the process: the models stay loaded from one page to the next."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

from PIL import Image

from ocr_worker import languages, tessdata
from ocr_worker.backends.protocol import Availability, Recognition
from ocr_worker.backends.tsv import lines_of
from ocr_worker.columns import unbraid
from ocr_worker.errors import BackendUnavailable
from ocr_worker.lines import reading_of

if TYPE_CHECKING:
    from tesserocr import PyTessBaseAPI

    from ocr_worker.backends.tesseract_program import TesseractProgram

NO_LANGUAGE = Availability(
    usable=False,
    reason="No language of Tesseract is installed.",
    install="Install tesseract-ocr with a language, such as tesseract-ocr-eng, or set "
    "TESSDATA_PREFIX to a folder with *.traineddata files.",
)


def is_embedded() -> bool:
    """Return whether Tesseract can be loaded into this process."""
    return find_spec("tesserocr") is not None


class Tesseract:
    """Tesseract by tesserocr; where that is not installed, by the program `tesseract`."""

    in_box = True
    upright = False

    def __init__(self) -> None:
        self._program = None if is_embedded() else _program()
        self._engines: dict[str, PyTessBaseAPI] = {}

    def availability(self) -> Availability:
        """Tell whether there is an engine and a language."""
        if self._program is not None:
            return self._program.availability()
        return NO_LANGUAGE if tessdata.folder() is None else Availability(usable=True)

    def recognise(self, picture: Image.Image, *, language: str, dpi: float) -> Recognition:
        """Recognise the text; see `Backend`."""
        if self._program is not None:
            return self._program.recognise(picture, language=language, dpi=dpi)
        names = languages.resolve(language)
        engine = self._engine(names)
        try:
            engine.SetImage(picture)
            engine.SetSourceResolution(round(dpi))
            engine.Recognize()
            table = engine.GetTSVText(0)
        finally:
            # The next page must come out as if it were the first.
            engine.Clear()
            engine.ClearAdaptiveClassifier()
        return Recognition(reading_of(unbraid(lines_of(table))), names)

    def _engine(self, names: str) -> "PyTessBaseAPI":
        if names not in self._engines:
            for other in self._engines.values():
                other.End()  # models are large, and a document is rarely in two languages
            self._engines.clear()
            self._engines[names] = load(names)
        return self._engines[names]


def _program() -> "TesseractProgram":
    # pytesseract imports numpy where there is one, which takes longer than a page of text.
    from ocr_worker.backends.tesseract_program import TesseractProgram  # noqa: PLC0415

    return TesseractProgram()


def load(names: str, *, orientation_only: bool = False) -> "PyTessBaseAPI":
    """Load models by Tesseract's names; raises `BackendUnavailable`."""
    try:
        from tesserocr import PSM, PyTessBaseAPI  # noqa: PLC0415  (the program may do without it)

        mode = PSM.OSD_ONLY if orientation_only else PSM.AUTO
        return PyTessBaseAPI(path=str(tessdata.folder()), lang=names, psm=mode)
    except (ImportError, RuntimeError) as error:
        raise BackendUnavailable(f"Tesseract cannot load the language {names!r}.") from error
