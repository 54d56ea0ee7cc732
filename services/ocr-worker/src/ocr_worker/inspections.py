"""What can be learnt of an open PDF without recognising anything.

The work is done in the box (see `inspecting`), and what comes out of it is checked here.
"""

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from ocr_worker.errors import ReaderCrashed
from ocr_worker.pages import Length, Table, Text

if TYPE_CHECKING:
    from ocr_worker.box import Box


class Facts(BaseModel):
    """What a PDF says of itself, and whether it is encrypted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metadata: dict[Text, Text] = Field(max_length=20)
    encrypted: bool


class PicturePlace(BaseModel):
    """A picture on a page: its own size in pixels, its box as that of a word."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int = Field(ge=0)
    height: int = Field(ge=0)
    bbox: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]


class Look(BaseModel):
    """What is stored on a page: text, and if they were asked for, tables and pictures.

    Sizes and boxes are in points, as the page is shown.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int = Field(ge=1)
    width: Length
    height: Length
    rotation: Literal[0, 90, 180, 270]
    text: Text
    tables: tuple[Table, ...]
    pictures: tuple[PicturePlace, ...]


async def facts(box: "Box") -> Facts:
    """Return what a PDF says of itself. Raises a `ReadingError`."""
    told = await box.inspect({"facts": True})
    if not isinstance(told, Facts):
        raise ReaderCrashed
    return told


async def look(box: "Box", number: int, *, tables: bool = False, pictures: bool = False) -> Look:
    """Look at a page (the first is 1).

    Raises a `ReadingError`, or `IndexError` for a page that the document does not have.
    """
    if not 1 <= number <= box.pages:
        raise IndexError(f"The document has no page {number}.")
    told = await box.inspect({"look": number, "tables": tables, "pictures": pictures})
    if not isinstance(told, Look) or told.number != number:
        raise ReaderCrashed
    return told
