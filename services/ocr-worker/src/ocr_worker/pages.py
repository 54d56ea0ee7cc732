"""What is known of a page once it has been read; stored as JSON and read by other services."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat

_CONTROLS = frozenset(map(chr, range(32))) - {"\n", "\t"}


def _readable(text: str) -> str:
    # PostgreSQL refuses U+0000, and the other controls have no business in a text either.
    if not _CONTROLS.isdisjoint(text):
        raise ValueError("contains control characters")
    return text


Text = Annotated[str, AfterValidator(_readable)]
Share = Annotated[float, Field(ge=0, le=1)]
Length = Annotated[FiniteFloat, Field(gt=0)]


class Word(BaseModel):
    """A run of characters without white space, and where it stands.

    `bbox` is x0, y0, x1, y1 in page units from the top left corner of the page as it is shown,
    y downwards. A word that is hyphenated across two lines is one word; its box is that of the
    part on the first line.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Text = Field(min_length=1)
    bbox: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]
    confidence: Share


class Table(BaseModel):
    """A table: its box as that of a word, the names of its columns, and rows of as many cells.

    A cell of several lines has line ends in it; one that is empty is an empty text.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    bbox: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]
    headers: tuple[Text, ...]
    rows: tuple[tuple[Text, ...], ...]


class PageResult(BaseModel):
    """The text of one page with the place of every word.

    Page units are points (1/72 inch) for PDF and pixels for images. `confidence` is the mean
    over the characters; it is 1 for a text layer and for a blank page, and 0 when recognition
    found nothing. `language` is what OCR expected, in
    Tesseract's names.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int = Field(ge=1)
    width: Length
    height: Length
    source: Literal["text_layer", "ocr", "blank"]
    backend: str | None = None
    language: str | None = None
    confidence: Share
    text: Text
    words: tuple[Word, ...]
    rotation: Literal[0, 90, 180, 270] = 0
    """By how many degrees the page as it is shown must be turned clockwise to be upright."""
    skew: FiniteFloat = 0.0
    """By how many degrees its lines then fall to the right; they rise if it is negative."""
    tables: tuple[Table, ...] = ()
    """From the top to the bottom of the page."""
