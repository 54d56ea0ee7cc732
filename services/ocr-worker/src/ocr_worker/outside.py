"""Reads a page with a backend that is not in the box: the reader makes a picture, we pass it on.

What the reader says of the picture is checked, and the pixels are no more than pixels.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from ocr_worker.backends.protocol import Backend
from ocr_worker.bitmap import read_bitmap
from ocr_worker.pages import Length, PageResult
from ocr_worker.placement import Placement
from ocr_worker.reading import PageReading

_Side = Annotated[int, Field(gt=0, le=200_000)]


class PagePicture(BaseModel):
    """What a reader says of the picture that it made of a page: see `recognition.Prepared`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int = Field(ge=1)
    dpi: Length
    page: tuple[Length, Length]
    rotation: Literal[0, 90, 180, 270]
    skew: FiniteFloat = Field(ge=-45, le=45)
    scaled: tuple[_Side, _Side]
    picture: tuple[_Side, _Side]


@dataclass(frozen=True, slots=True)
class OutsideReader:
    """A backend outside the box, by name."""

    name: str
    backend: Backend

    def read(self, told: PagePicture, folder: Path, *, language: str) -> PageResult:
        """Let the backend recognise the picture that a reader left in a folder.

        Blocks for as long as the backend takes. Raises a `PageError`, and `ValueError` when the
        picture is not as it was told or the backend's answer is not a page.
        """
        width, height = told.picture
        picture = read_bitmap(folder, width=width, height=height)
        found = self.backend.recognise(picture, language=language, dpi=told.dpi)
        placement = Placement(told.page, told.rotation, told.skew, told.scaled, told.picture)
        reading = PageReading(
            *told.page,
            source="ocr",
            backend=self.name,
            language=found.language,
            confidence=found.reading.confidence if found.confidence is None else found.confidence,
            reading=placement.reading_on_page(found.reading),
            rotation=told.rotation,
            skew=told.skew,
        )
        return PageResult.model_validate(reading.as_json(told.number))
