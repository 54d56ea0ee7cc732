"""What the documents service asks the workers and waits for, and what they answer."""

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from contracts.questions import Question

TOOLS_QUEUE = "ocr-worker.tools"
"""Where workers take questions about one document from; each may take them a while."""
OFFER_QUEUE = "ocr-worker.offer"
"""Where workers are asked what they can do; it does not wait behind documents."""

Bbox = Annotated[
    tuple[float, float, float, float],
    Field(description="x0, y0, x1, y1 in points from the top left corner."),
]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class AboutDocument(BaseModel):
    """What every question about a document says: where its bytes lie, and what opens them."""

    object_key: str
    sealed_password: str | None = Field(
        default=None, description="What opens the document, encrypted for the workers."
    )


class PdfInfo(_Answer):
    """What a PDF is; null is what could not be found out within the time."""

    page_count: int = Field(ge=1)
    metadata: dict[str, str] = Field(description="What it says of itself, as it says it.")
    has_text: bool | None = Field(description="Whether text is stored on any of its pages.")
    has_tables: bool | None = Field(description="Whether such text stands in tables anywhere.")
    encrypted: bool = Field(description="With a password, even if an empty one opens it.")


class AskPdfInfo(AboutDocument, Question[PdfInfo]):
    """The wish to know what a PDF is."""

    name: ClassVar[str] = "pdf.info"


class PdfTable(_Answer):
    """A table of a page, and where it stands there."""

    page: int = Field(ge=1)
    table_index: int = Field(ge=0, description="Counts the tables of a page; the first is 0.")
    bbox: Bbox
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = Field(
        description="Fewer than `total_rows` when the answer would be too long."
    )
    total_rows: int = Field(ge=0)


class PdfTables(_Answer):
    """The tables in the text that is stored in a PDF; of a mere scan there are none."""

    tables_count: int = Field(ge=0, description="Of all tables; those behind the 1,000th are left.")
    tables: tuple[PdfTable, ...]
    unreadable_pages: tuple[int, ...] = ()


class AskPdfTables(AboutDocument, Question[PdfTables]):
    """The wish to know which tables a PDF has."""

    name: ClassVar[str] = "pdf.tables"


class PdfMatch(_Answer):
    """A place where a text was found, with up to 100 characters around it."""

    position: int = Field(ge=0, description="In the text of the page, in characters from 0.")
    before: str
    match: str
    after: str


class PdfPageMatches(_Answer):
    """Where a text was found on a page."""

    page: int = Field(ge=1)
    matches: int = Field(ge=1)
    context: tuple[PdfMatch, ...] = Field(
        description="Fewer than `matches` when the answer would be too long: 1,000 in all."
    )


class PdfMatches(_Answer):
    """Where a text was found in a PDF."""

    search_term: str
    total_matches: int = Field(ge=0)
    matches_by_page: tuple[PdfPageMatches, ...]
    unreadable_pages: tuple[int, ...] = ()


class AskPdfMatches(AboutDocument, Question[PdfMatches]):
    """The wish to find a text in a PDF, whatever its case and however its words are spaced."""

    name: ClassVar[str] = "pdf.search"

    search_term: str = Field(min_length=1)


class PdfPicture(_Answer):
    """A picture on a page: its own size in pixels, and where it stands."""

    width: int = Field(ge=0)
    height: int = Field(ge=0)
    bbox: Bbox


class PdfPage(_Answer):
    """What is stored on a page. Sizes are in points, as the page is shown."""

    page: int = Field(ge=1)
    width: float
    height: float
    rotation: int = Field(description="By how many degrees it is turned clockwise to be shown.")
    text: str
    tables: tuple[PdfTable, ...]
    images: tuple[PdfPicture, ...]


class AskPdfPage(AboutDocument, Question[PdfPage]):
    """The wish to know what is on a page."""

    name: ClassVar[str] = "pdf.page"

    page: int = Field(ge=1)


class DrawnPage(_Answer):
    """A picture of a page lies where it was asked for."""

    width: int = Field(ge=1)
    height: int = Field(ge=1)


class AskDrawnPage(AboutDocument, Question[DrawnPage]):
    """The wish for a WebP picture under a key: of a page, as large as fits into so many pixels."""

    name: ClassVar[str] = "page.draw"

    page: int = Field(ge=1)
    width: int = Field(ge=1)
    height: int | None = Field(default=None, ge=1)
    target_key: str


class OfferedBackend(_Answer):
    """A backend, whether it can be used, and if not, why and what would change that."""

    name: str
    usable: bool
    reason: str = ""
    install: str = ""
    any_language: bool = Field(
        default=False, description="Whether the list of languages says nothing about this one."
    )


class OfferedLanguage(_Answer):
    """A language that is installed: Tesseract's name for it, and all others that are understood."""

    name: str
    iso_639_1: str | None
    codes: tuple[str, ...]


class Offer(_Answer):
    """With what and in which languages pages can be recognised."""

    default_backend: str
    backends: tuple[OfferedBackend, ...]
    languages: tuple[OfferedLanguage, ...]


class AskOffer(Question[Offer]):
    """The wish to know what a worker can do."""

    name: ClassVar[str] = "ocr.offer"
