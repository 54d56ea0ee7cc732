"""RapidOCR: neural models that run by ONNX; they are part of its package, so nothing is fetched."""

import math
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from PIL import Image

from ocr_worker.backends.protocol import Availability, Recognition
from ocr_worker.columns import unbraid
from ocr_worker.errors import BackendUnavailable
from ocr_worker.lines import Line, reading_of
from ocr_worker.reading import Bbox, ReadWord

if TYPE_CHECKING:
    from rapidocr import RapidOCR

_FoundWord = tuple[str, float, list[list[int]] | None]
"""A text, how sure the model is, and its four corners."""

_ONE_THREAD = {
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    "Global.log_level": "error",
}
_SAME_ROW = 0.5
"""By how much of the lower one's height two pieces of text must overlap to stand in one row."""
_INSTALL = "Install the extra: quire-ocr-worker[rapidocr]."


class RapidOcr:
    """RapidOCR with the models that it brings along (Chinese, English and Latin scripts)."""

    in_box = True
    upright = True

    def __init__(self) -> None:
        self._engine: RapidOCR | None = None

    def availability(self) -> Availability:
        """Tell whether the packages are installed."""
        for package in ("rapidocr", "onnxruntime"):
            if find_spec(package) is None:
                reason = f"The package {package} is not installed."
                return Availability(usable=False, reason=reason, install=_INSTALL)
        return Availability(usable=True)

    def recognise(self, picture: Image.Image, *, language: str, dpi: float) -> Recognition:
        """Recognise the text; see `Backend`. The models know no difference between languages."""
        import numpy as np  # noqa: PLC0415  (only the extra brings it)

        if self._engine is None:
            self._engine = _load()
        found: Any = self._engine(np.asarray(picture.convert("RGB")), return_word_box=True)
        # Its own type hints leave out that there is one tuple of words per line, or none at all.
        lines = cast("Sequence[Sequence[_FoundWord]] | None", found.word_results)
        return Recognition(reading_of(unbraid(_rows(lines or ()))), None)


def _load() -> "RapidOCR":
    try:
        from rapidocr import RapidOCR  # noqa: PLC0415
    except ImportError as error:
        raise BackendUnavailable(_INSTALL) from error
    return RapidOCR(params=_ONE_THREAD)


def _rows(found: Sequence[Sequence[_FoundWord]]) -> list[Line]:
    """Put pieces of text that stand side by side into one line, from top to bottom."""
    rows: list[list[tuple[Bbox, list[ReadWord]]]] = []
    for piece in sorted(_pieces(found), key=lambda piece: piece[0][1]):
        row = next((row for row in rows[-8:] if _side_by_side(row[-1][0], piece[0])), None)
        if row is None:
            rows.append([piece])
        else:
            row.append(piece)
    lines = []
    for row in rows:
        row.sort(key=lambda piece: piece[0][0])
        lines.append(Line([word for _, words in row for word in words]))
    return lines


def _pieces(found: Sequence[Sequence[_FoundWord]]) -> list[tuple[Bbox, list[ReadWord]]]:
    pieces = []
    for line in found:
        words = [
            ReadWord(text, _box(corners), min(max(float(score), 0.0), 1.0))
            for text, score, corners in line
            if text.strip() and corners is not None
        ]
        if words:
            pieces.append((Line(words).bbox, words))
    return pieces


def _box(corners: list[list[int]]) -> Bbox:
    xs, ys = zip(*corners, strict=True)
    return math.floor(min(xs)), math.floor(min(ys)), math.ceil(max(xs)), math.ceil(max(ys))


def _side_by_side(one: Bbox, other: Bbox) -> bool:
    apart = one[2] <= other[0] or other[2] <= one[0]
    overlap = min(one[3], other[3]) - max(one[1], other[1])
    return apart and overlap >= _SAME_ROW * min(one[3] - one[1], other[3] - other[1])
