"""The box: reads one document that nobody trusts, and survives whatever it does."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ocr_worker.backends.protocol import Backend
from ocr_worker.backends.registry import DEFAULT, Backends
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
from ocr_worker.guessing import languages_of
from ocr_worker.inspections import Facts, Look
from ocr_worker.languages import AUTO
from ocr_worker.limits import Limits
from ocr_worker.outputs import NotAnOutput, take
from ocr_worker.outside import OutsideReader, PagePicture
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


class Made(BaseModel):
    """What a reader says of something that it made; `products` knows which fields to expect."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int | None = Field(default=None, ge=1)
    height: int | None = Field(default=None, ge=1)
    pages: int | None = Field(default=None, ge=1)
    worded: int = Field(default=0, ge=0)
    left_out: tuple[int, ...] = ()
    signatures_removed: int = Field(default=0, ge=0)
    encrypted: bool = False


class _Answer(BaseModel):
    """What a reader says; exactly one field is set. Believed only after validation."""

    model_config = ConfigDict(extra="forbid")

    pages: int | None = Field(default=None, ge=1)
    result: PageResult | None = None
    picture: PagePicture | None = None
    made: Made | None = None
    inspected: Facts | Look | None = None
    error: _Reason | None = None


class Box:
    """One open document in a child process of its own; pages are read one at a time.

    A page that kills its reader fails alone: the next one gets a new reader.
    """

    def __init__(
        self,
        path: Path,
        limits: Limits,
        scratch_root: Path,
        backends: Backends,
        password: str | None,
    ) -> None:
        self._path = path.absolute()
        self._backends = backends
        self._password = password
        self.limits = limits
        self._scratch_root = scratch_root
        self._reader: ReaderProcess | None = None
        self._turn = asyncio.Lock()
        self.pages = 0
        """How many pages were found; set by `open`."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        path: Path,
        *,
        limits: Limits | None = None,
        scratch_root: Path | None = None,
        backends: Backends | None = None,
        password: str | None = None,
    ) -> AsyncIterator[Self]:
        """Open a document and count its pages; at the end no process and no file of it is left.

        `scratch_root` is where temporary directories are made (see `scratch`); `password` opens an
        encrypted PDF, and a document that is not encrypted does not mind it. Raises a
        `DocumentError`.
        """
        box = cls(
            *(path, limits or Limits(), scratch_root or default_root()),
            *(backends or Backends(), password),
        )
        try:
            await box._open()
            yield box
        finally:
            await box._stop()

    async def read(
        self,
        number: int,
        *,
        language: str = "eng",
        force_ocr: bool = False,
        backend: str = DEFAULT,
    ) -> PageResult:
        """Read a page; the first is 1.

        `language` is what OCR expects, as in "deu+eng" or "de"; "auto" has it found out.
        `force_ocr` recognises the page even if it has a text layer; `backend` is the name of what
        recognises it. Raises a `PageError`, or `IndexError` for a page that the document does not
        have.
        """
        if not 1 <= number <= self.pages:
            raise IndexError(f"The document has no page {number}.")
        asked = {"page": number, "force_ocr": force_ocr}
        engine = await asyncio.to_thread(self._backends.get, backend)
        async with self._turn:
            result = await self._read(asked, backend, engine, language)
            if language != AUTO or result.source != "ocr" or result.language is None:
                return result
            better = await asyncio.to_thread(languages_of, result.text)
            if better is None or set(better.split("+")) == set(result.language.split("+")):
                return result
            again = await self._read(asked, backend, engine, better)
        return max(result, again, key=lambda read: read.confidence)

    async def inspect(self, request: Mapping[str, object]) -> Facts | Look:
        """Let the reader look at something (see `inspections`); raises a `ReadingError`."""
        async with self._turn:
            reader = self._reader or await self._reopen()
            answer = await self._answer(reader, request, seconds=self.limits.page_seconds)
        if answer.error is not None:
            raise answer.error.as_error(ReadingError, otherwise=ReaderCrashed())
        if answer.inspected is None:
            raise ReaderCrashed
        return answer.inspected

    async def make(
        self,
        requests: Iterable[Mapping[str, object]],
        *,
        file: str,
        target: Path,
        head: bytes,
        seconds: float,
    ) -> tuple[Made, int]:
        """Let one reader do several things in a row (see `making`), and fetch what it made.

        The file of that name is copied to `target` if it starts with `head`; returned are the
        reader's last answer and the size in bytes. Raises what the reader names, or a `PageError`
        when it dies.
        """
        async with self._turn:
            reader = self._reader or await self._reopen()
            try:
                async with asyncio.timeout(seconds):
                    made = await self._made(reader, requests, seconds)
                    source, most = reader.scratch / file, self.limits.file_bytes
                    size = await asyncio.to_thread(take, source, target, head=head, most=most)
            except BaseException as error:
                await self._stop()  # what it has begun must not become part of the next thing
                if isinstance(error, TimeoutError):
                    raise PageTimedOut from None
                if isinstance(error, NotAnOutput):
                    raise ReaderCrashed from error
                raise
            return made, size

    async def _made(
        self, reader: ReaderProcess, requests: Iterable[Mapping[str, object]], seconds: float
    ) -> Made:
        made = None
        for request in requests:
            answer = await self._answer(reader, request, seconds=seconds)
            if answer.error is not None:
                raise answer.error.as_error(ReadingError, otherwise=ReaderCrashed())
            made = answer.made
        if made is None:
            raise ReaderCrashed
        return made

    async def _open(self) -> ReaderProcess:
        """Start a reader, and let it open the document and count the pages."""
        reader = self._reader = await ReaderProcess.start(self._scratch_root)
        try:
            answer = await self._ask(
                reader,
                {
                    "path": str(self._path),
                    "limits": asdict(self.limits),
                    "password": self._password,
                },
                seconds=self.limits.open_seconds,
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
        if answer.pages is None or answer.pages > self.limits.pages:
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
        self, asked: Mapping[str, object], name: str, backend: Backend, language: str
    ) -> PageResult:
        reader = self._reader or await self._reopen()
        by = {"name": name, "made_by": self._backends.made_by(name)}
        request = {**asked, "language": language, "backend": by}
        answer = await self._answer(reader, request, seconds=self.limits.page_seconds)
        if answer.error is not None:
            raise answer.error.as_error(PageError, otherwise=ReaderCrashed())
        told = answer.picture if answer.result is None and not backend.in_box else answer.result
        if told is None or told.number != asked["page"]:
            await self._stop()
            raise ReaderCrashed
        if isinstance(told, PageResult):
            return told
        outside = OutsideReader(name, backend)
        try:
            async with asyncio.timeout(self.limits.page_seconds):
                return await asyncio.to_thread(
                    outside.read, told, reader.scratch, language=language
                )
        except TimeoutError:
            raise PageTimedOut from None
        except ValueError as nonsense:
            await self._stop()
            raise ReaderCrashed from nonsense

    async def _answer(
        self, reader: ReaderProcess, request: Mapping[str, object], *, seconds: float
    ) -> _Answer:
        """Ask the reader about a page; its death is the page's failure."""
        try:
            return await self._ask(reader, request, seconds=seconds)
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

    async def _ask(
        self, reader: ReaderProcess, request: Mapping[str, object], *, seconds: float
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
