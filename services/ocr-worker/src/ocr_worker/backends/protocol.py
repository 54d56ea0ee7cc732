"""What an engine has to be able to do."""

from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from ocr_worker.reading import Reading

GROUP = "quire.ocr_backends"
"""The entry points under which installed packages offer backends."""


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether a backend can be used here; if it cannot, why, and what would change that."""

    usable: bool
    reason: str = ""
    install: str = ""
    """What to install or to set, in a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """A reading, its boxes in pixels of the picture, and the language in which it was made.

    `language` is in Tesseract's names; None when the backend does not tell. `confidence` is for
    those that say how sure they are of the text but not of each word; 0 to 1.
    """

    reading: Reading
    language: str | None
    confidence: float | None = None


class Backend(Protocol):
    """Recognises the text of a picture. Made without arguments, once per process.

    The picture is an upright page in black and white ("1") or grey ("L"); nothing of the document
    but its pixels gets this far.
    """

    in_box: bool
    """Whether it works inside the box: within limits, without network, environment or secrets.

    One that is not in the box runs in a thread of the worker, so it must end by itself.
    """

    upright: bool
    """Whether the picture must be upright; a backend that tells how sure it is can do without,
    because a page that it reads badly is turned and read again."""

    def availability(self) -> Availability:
        """Tell whether it can be used, cheaply: nothing is loaded."""
        ...

    def recognise(self, picture: Image.Image, *, language: str, dpi: float) -> Recognition:
        """Recognise the text; `language` is ISO 639 or Tesseract's, joined by "+".

        `dpi` is the picture's resolution, or a guess at it. Raises a `PageError`.
        """
        ...
