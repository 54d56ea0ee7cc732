"""Recognises the text of a page's picture: upright, level, and at a size that suits the engine.

Engines read letters of about the same height best and fastest, whatever the scanner's resolution
was. So the picture is turned and scaled for the engine, and what the engine says about places is
turned back.
"""

from dataclasses import dataclass

from PIL import Image

from ocr_worker import languages
from ocr_worker.backends.protocol import Backend
from ocr_worker.contrast import is_uniform
from ocr_worker.errors import BackendUnavailable
from ocr_worker.limits import LONGEST_SIDE
from ocr_worker.orientation import detect
from ocr_worker.placement import Placement, Size
from ocr_worker.reading import PageReading
from ocr_worker.skew import find_skew
from ocr_worker.tables.finding import tables_of_picture
from ocr_worker.text_height import may_be_turned, text_height

_SHORTEST_SIDE = 10
_LETTER_HEIGHT = 10
"""Pixels of a small letter. Measured on the corpus: the rate of wrong characters is about the same
from 9 to 16, and the time grows by a quarter."""
_CLOSE_ENOUGH = 0.85
_CLOSE_ENOUGH_BITONAL = 0.7
"""Shrinking black and white letters by less than this loses more than it saves."""
_NOT_WORTH_GROWING = 1.1
_MOST_SHRINKING, _MOST_GROWING = 0.2, 2.0
_MOST_GROWN_PIXELS = 16_000_000
_USUAL_DPI = 150.0
"""At which print of ten points has small letters of ten pixels."""
_CREDIBLE_DPI = (70, 2400)
_DOUBTFUL = 0.6
"""A page that is read with less confidence may be upside down."""

_TURNS = {
    90: Image.Transpose.ROTATE_270,  # Pillow turns the other way round
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A picture as engines like it, its resolution, and how it became so."""

    picture: Image.Image
    dpi: float
    placement: Placement


@dataclass(frozen=True, slots=True)
class Ocr:
    """By what and in which languages (see `Backend.recognise`) a page is to be recognised.

    Without a backend the page is only made ready for one that is not in the box. The language
    "auto" becomes one of the page's script.
    """

    name: str
    backend: Backend | None
    language: str

    def read(
        self, picture: Image.Image, *, page: Size, dpi: float | None
    ) -> PageReading | Prepared | None:
        """Recognise the picture of a page, whichever way up it is; None when it shows nothing.

        The picture is black and white ("1") or grey ("L"); `page` is the page's size in its units.
        Raises what `Backend.recognise` raises.
        """
        if min(picture.size) < _SHORTEST_SIDE or is_uniform(picture):
            return None
        first = _prepare(picture, page, dpi, upright=self.backend is None or self.backend.upright)
        if self.backend is None:
            return first
        best = self._recognise(self.backend, first)
        if self.backend.upright or best.confidence >= _DOUBTFUL:
            return best
        # Either it is upside down, or it only seemed to be sideways.
        rotation = 0 if first.placement.rotation else _rotation(first.picture)
        if rotation == first.placement.rotation:
            return best
        other = self._recognise(self.backend, _turned(picture, page, dpi, rotation))
        return max(best, other, key=lambda reading: reading.confidence)

    def _recognise(self, backend: Backend, prepared: Prepared) -> PageReading:
        state = backend.availability()
        if not state.usable:
            raise BackendUnavailable(f"{state.reason} {state.install}".strip())
        language = self.language
        if language == languages.AUTO:
            orientation = detect(prepared.picture)
            language = languages.of_script(orientation.script if orientation else None)
        found = backend.recognise(prepared.picture, language=language, dpi=prepared.dpi)
        placement = prepared.placement
        tables = tables_of_picture(prepared.picture, words=found.reading.words, dpi=prepared.dpi)
        return PageReading(
            *placement.page,
            source="ocr",
            backend=self.name,
            language=found.language,
            confidence=found.reading.confidence if found.confidence is None else found.confidence,
            reading=placement.reading_on_page(found.reading),
            rotation=placement.rotation,
            skew=placement.skew,
            tables=[table._replace(bbox=placement.on_page(table.bbox)) for table in tables],
        )


def _prepare(picture: Image.Image, page: Size, dpi: float | None, *, upright: bool) -> Prepared:
    rotation = 0
    if upright or may_be_turned(picture):
        rotation = _rotation(_for_orientation(picture, dpi))
    return _turned(picture, page, dpi, rotation)


def _for_orientation(picture: Image.Image, dpi: float | None) -> Image.Image:
    """Return a picture with letters of the right height, even if its lines run vertically."""
    turned = picture.transpose(Image.Transpose.ROTATE_90)
    if (text_height(turned) or 0) > (text_height(picture) or 0):
        return _scaled(turned, dpi)[0].transpose(Image.Transpose.ROTATE_270)
    return _scaled(picture, dpi)[0]


def _rotation(picture: Image.Image) -> int:
    found = detect(picture)
    return found.rotation if found else 0


def _turned(picture: Image.Image, page: Size, dpi: float | None, rotation: int) -> Prepared:
    turned = picture.transpose(_TURNS[rotation]) if rotation else picture
    scaled, dpi = _scaled(turned, dpi)
    skew = find_skew(scaled)
    level = scaled
    if skew:
        level = scaled.convert("L").rotate(
            skew, Image.Resampling.BICUBIC, expand=True, fillcolor="white"
        )
    return Prepared(level, dpi, Placement(page, rotation, skew, scaled.size, level.size))


def _scaled(picture: Image.Image, dpi: float | None) -> tuple[Image.Image, float]:
    """Return a picture with letters of the right height, and its resolution.

    Where letters were found, that is the resolution at which usual print is as high: engines take
    it for a hint at the size of letters, and what files claim is often wrong.
    """
    claimed = dpi if dpi is not None and _CREDIBLE_DPI[0] <= dpi <= _CREDIBLE_DPI[1] else _USUAL_DPI
    height = text_height(picture)
    if height is not None:
        scale = _LETTER_HEIGHT / height
    else:
        scale = _USUAL_DPI / claimed if claimed > 2 * _USUAL_DPI else 1.0
    scale = min(max(scale, _MOST_SHRINKING), _MOST_GROWING)
    if scale > 1:
        pixels = picture.width * picture.height
        scale = max(min(scale, (_MOST_GROWN_PIXELS / pixels) ** 0.5), 1.0)
    scale = min(scale, LONGEST_SIDE / max(picture.size))
    least = _CLOSE_ENOUGH_BITONAL if picture.mode == "1" else _CLOSE_ENOUGH
    if least <= scale <= _NOT_WORTH_GROWING:
        scale = 1.0
    dpi = _USUAL_DPI if height is not None else claimed * scale
    if scale == 1.0:
        return picture, dpi
    size = max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)
    how = Image.Resampling.HAMMING if scale < 1 else Image.Resampling.BICUBIC
    return picture.convert("L").resize(size, how), dpi
