"""The results of a document's pages, one after the other, however many there are."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

import structlog
from common.storage import ObjectMissing, Storage
from pydantic import BaseModel, BeforeValidator, Field, FiniteFloat, ValidationError

from documents.jobs.models import Page

logger = structlog.get_logger(__name__)

Box = tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]
"""x0, y0, x1, y1 in page units from the top left corner, y downwards."""

Cell = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]

_AHEAD = 4
"""So many pages are fetched while one is written: the storage's delay goes unseen."""
_NOT_YET = "Not read yet"
_LOST = "What was read is lost"


class Word(BaseModel):
    """A word, and where it stands."""

    text: str
    bbox: Box
    confidence: float = Field(ge=0, le=1)


class Table(BaseModel):
    """A table, and where it stands."""

    bbox: Box
    headers: list[Cell]
    rows: list[list[Cell]]

    @property
    def width(self) -> int:
        """How many columns it has."""
        return max([len(self.headers), *map(len, self.rows)])

    def all_rows(self) -> list[list[str]]:
        """Return the header row and the others, all of the same length."""
        width = self.width
        return [row + [""] * (width - len(row)) for row in (self.headers, *self.rows)]


class TablePage(BaseModel):
    """The tables of a page that was read, and none of its many words."""

    number: int
    tables: list[Table] = []


class TextPage(BaseModel):
    """The text of a page that was read."""

    number: int
    text: str


class ReadPage(TablePage):
    """A page that was read. Page units are points for PDF, pixels for images."""

    width: Annotated[FiniteFloat, Field(gt=0)]
    height: Annotated[FiniteFloat, Field(gt=0)]
    source: str
    backend: str | None = None
    language: str | None = None
    confidence: float = Field(ge=0, le=1)
    text: str
    words: list[Word]
    rotation: Literal[0, 90, 180, 270] = 0
    """By how many degrees the page as it is shown must be turned clockwise to be upright."""
    skew: Annotated[FiniteFloat, Field(gt=-90, lt=90)] = 0.0
    """By how many degrees its lines then fall to the right; they rise if it is negative."""


@dataclass(frozen=True)
class MissingPage:
    """A page that was not read, and why, in a few words."""

    number: int
    reason: str


@dataclass(frozen=True)
class ExpectedPage:
    """A page that the document has: where its result lies, or why there is none."""

    number: int
    result_key: str | None
    reason: str = ""

    @classmethod
    def all_of(cls, pages: Sequence[Page], *, total: int | None) -> list["ExpectedPage"]:
        """Return every page of a document: those reported, and those that are still to come."""
        reported = {page.number: page for page in pages}
        last = max([total or 0, *reported])
        return [cls._of(number, reported.get(number)) for number in range(1, last + 1)]

    @classmethod
    def _of(cls, number: int, page: Page | None) -> "ExpectedPage":
        if page is None:
            return cls(number, None, _NOT_YET)
        if page.error is not None:
            return cls(number, None, " ".join(str(page.error.get("title", "")).split()))
        return cls(number, page.result_key, _LOST)


P = TypeVar("P", bound=BaseModel)


class StoredPages:
    """Reads the results of pages in their order; only a few of them are in memory at a time.

    A result that is gone, or that a worker of another version wrote in another form, makes a
    missing page. Every method raises `Unavailable` when the storage does not answer.
    """

    def __init__(self, storage: Storage, expected: Sequence[ExpectedPage]) -> None:
        self._storage = storage
        self._expected = expected
        self._first: dict[str, bytes] = {}

    async def open(self) -> None:
        """Fetch the first result, so that a storage that is down has an answer of its own."""
        key = next((page.result_key for page in self._expected if page.result_key), None)
        if key is not None:
            try:
                self._first[key] = await self._storage.get(key)
            except ObjectMissing:
                return

    def whole(self) -> AsyncGenerator[ReadPage | MissingPage, None]:
        """Yield every page with all that was read on it."""
        return self._read(ReadPage)

    def texts(self) -> AsyncGenerator[TextPage | MissingPage, None]:
        """Yield every page with its text alone."""
        return self._read(TextPage)

    def tables(self) -> AsyncGenerator[TablePage | MissingPage, None]:
        """Yield every page with its tables alone."""
        return self._read(TablePage)

    async def _read(self, kind: type[P]) -> AsyncGenerator[P | MissingPage, None]:
        coming: deque[asyncio.Task[P | MissingPage]] = deque()
        try:
            for page in self._expected:
                coming.append(asyncio.create_task(self._page(page, kind)))
                if len(coming) > _AHEAD:
                    yield await coming.popleft()
            while coming:
                yield await coming.popleft()
        finally:
            for task in coming:
                task.cancel()
            await asyncio.gather(*coming, return_exceptions=True)

    async def _page(self, page: ExpectedPage, kind: type[P]) -> P | MissingPage:
        if page.result_key is not None:
            try:
                data = self._first.pop(page.result_key, None)
                data = data or await self._storage.get(page.result_key)
                # In a thread: a page may be large, and others are served meanwhile.
                return await asyncio.to_thread(kind.model_validate_json, data)
            except (ObjectMissing, ValidationError) as error:
                kind_of_error = type(error).__name__  # the error itself may quote the page
                logger.warning("no result", result_key=page.result_key, error=kind_of_error)
        return MissingPage(page.number, page.reason)
