"""The box: reads one document that nobody trusts, and survives whatever it does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ocr_worker.errors import (
    REASONS,
    DocumentDamaged,
    DocumentError,
    DocumentTooComplex,
    PageError,
    PageOutOfMemory,
    PageTimedOut,
    ReaderCrashed,
    ReadingError,
)
from ocr_worker.limits import Limits
from ocr_worker.pages import PageResult
from ocr_worker.process import ReaderGone, ReaderProcess
from ocr_worker.scratch import default_root


class _Reason(BaseModel):
    slug: str
    detail: Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00-\x1f]*$")] = ""

    def as_error(self, level: type[ReadingError], *, otherwise: ReadingError) -> ReadingError:
        """Return the error of that name if it is of that level."""
        reason = REASONS.get(self.slug)
        return reason(self.detail) if reason and issubclass(reason, level) else otherwise


class _Answer(BaseModel):
    """What a reader says; exactly one field is set. Believed only after validation."""

    model_config = ConfigDict(extra="forbid")

    pages: int | None = Field(default=None, ge=1)
    result: PageResult | None = None
    error: _Reason | None = None


class Box:
    """One open document in a child process of its own; pages are read one at a time.

    A page that kills its reader fails alone: the next one gets a new reader.
    """

    def __init__(self, path: Path, limits: Limits, scratch_root: Path) -> None:
        self._path = path.absolute()
        self._limits = limits
        self._scratch_root = scratch_root
        self._reader: ReaderProcess | None = None
        self._turn = asyncio.Lock()
        self.pages = 0
        """How many pages were found; set by `open`."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls, path: Path, *, limits: Limits | None = None, scratch_root: Path | None = None
    ) -> AsyncIterator[Self]:
        """Open a document and count its pages; at the end no process and no file of it is left.

        `scratch_root` is where temporary directories are made (see `scratch`). Raises a
        `DocumentError`.
        """
        box = cls(path, limits or Limits(), scratch_root or default_root())
        try:
            await box._open()
            yield box
        finally:
            await box._stop()

    async def read(
        self, number: int, *, language: str = "eng", force_ocr: bool = False
    ) -> PageResult:
        """Read a page; the first is 1.

        `language` is what OCR expects, as in "deu+eng" or "de"; `force_ocr` recognises the page
        even if it has a text layer. Raises a `PageError`, or `IndexError` for a page that the
        document does not have.
        """
        if not 1 <= number <= self.pages:
            raise IndexError(f"The document has no page {number}.")
        async with self._turn:
            reader = self._reader or await self._reopen()
            return await self._read(reader, number, language, force_ocr)

    async def _open(self) -> ReaderProcess:
        """Start a reader, and let it open the document and count the pages."""
        reader = self._reader = await ReaderProcess.start(self._scratch_root)
        try:
            answer = await self._ask(
                reader,
                {"path": str(self._path), "limits": asdict(self._limits)},
                seconds=self._limits.open_seconds,
            )
        except TimeoutError:
            raise DocumentTooComplex from None
        except ReaderGone as death:
            if death.out_of_memory or death.out_of_time:
                raise DocumentTooComplex from death
            raise DocumentDamaged from death
        except ValueError as nonsense:
            raise DocumentDamaged from nonsense
        if answer.error is not None:
            raise answer.error.as_error(DocumentError, otherwise=DocumentDamaged())
        if answer.pages is None or answer.pages > self._limits.pages:
            raise DocumentDamaged
        self.pages = answer.pages
        return reader

    async def _reopen(self) -> ReaderProcess:
        try:
            return await self._open()
        except DocumentError as error:
            # It could be opened before, so this says nothing about the document.
            raise ReaderCrashed from error

    async def _read(
        self, reader: ReaderProcess, number: int, language: str, force_ocr: bool
    ) -> PageResult:
        try:
            answer = await self._ask(
                reader,
                {"page": number, "language": language, "force_ocr": force_ocr},
                seconds=self._limits.page_seconds,
            )
        except TimeoutError:
            raise PageTimedOut from None
        except ReaderGone as death:
            if death.out_of_memory:
                raise PageOutOfMemory from death
            if death.out_of_time:
                raise PageTimedOut from death
            raise ReaderCrashed from death
        except ValueError as nonsense:
            raise ReaderCrashed from nonsense
        if answer.error is not None:
            raise answer.error.as_error(PageError, otherwise=ReaderCrashed())
        if answer.result is None or answer.result.number != number:
            await self._stop()
            raise ReaderCrashed
        return answer.result

    async def _ask(
        self, reader: ReaderProcess, request: dict[str, object], *, seconds: float
    ) -> _Answer:
        """Ask the reader; after any exception (see `ReaderProcess.ask`) there is none."""
        try:
            return _Answer.model_validate_json(await reader.ask(request, seconds=seconds))
        except BaseException:
            await self._stop()
            raise

    async def _stop(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            await reader.stop()
