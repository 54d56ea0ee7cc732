"""What can be learnt of a file that is not stored: a worker is asked while the client waits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypedDict, TypeVar
from uuid import uuid4

from common.asking import Asker
from common.storage import Storage
from contracts import (
    TOOLS_QUEUE,
    AskPdfInfo,
    AskPdfMatches,
    AskPdfPage,
    AskPdfTables,
    PdfMatches,
    PdfPage,
    PdfTables,
    Question,
)
from cryptography.fernet import Fernet
from pydantic import BaseModel

from documents.tools.fields import PageFields, SearchFields, ToolFields
from documents.tools.schemas import PdfInfoOut
from documents.uploads.errors import UnsupportedType
from documents.uploads.form import FormFile, UploadForm
from documents.uploads.inspection import InspectedStream
from documents.uploads.limits import UploadLimits
from documents.uploads.provisional import provisional

_SECONDS = 30.0
_PDF = "application/pdf"

A = TypeVar("A", bound=BaseModel)
F = TypeVar("F", bound=ToolFields)


class _About(TypedDict):
    object_key: str
    sealed_password: str | None


@dataclass(frozen=True)
class _Given(Generic[F]):
    """A file for a worker to look at: how it is named in a question, and what was said of it."""

    about: _About
    size: int
    fields: F


class ToolService:
    """Lays a file where workers find it, asks one of them, and removes the file in any case."""

    def __init__(self, storage: Storage, asker: Asker, limits: UploadLimits, seal: Fernet) -> None:
        self._storage = storage
        self._asker = asker
        self._limits = limits
        self._seal = seal

    async def info(self, form: UploadForm) -> PdfInfoOut:
        """Return what the form's PDF is."""
        async with self._given(form, ToolFields) as given:
            info = await self._ask(AskPdfInfo(**given.about))
        return PdfInfoOut(**info.model_dump(), file_size=given.size)

    async def tables(self, form: UploadForm) -> PdfTables:
        """Return the tables of the form's PDF."""
        async with self._given(form, ToolFields) as given:
            return await self._ask(AskPdfTables(**given.about))

    async def search(self, form: UploadForm) -> PdfMatches:
        """Return where in the form's PDF a text stands."""
        async with self._given(form, SearchFields) as given:
            question = AskPdfMatches(**given.about, search_term=given.fields.search_term)
            return await self._ask(question)

    async def page(self, form: UploadForm) -> PdfPage:
        """Return what is on a page of the form's PDF."""
        async with self._given(form, PageFields) as given:
            return await self._ask(AskPdfPage(**given.about, page=given.fields.page))

    async def _ask(self, question: Question[A]) -> A:
        return await self._asker.ask(TOOLS_QUEUE, question, seconds=_SECONDS)

    @asynccontextmanager
    async def _given(self, form: UploadForm, kind: type[F]) -> AsyncIterator[_Given[F]]:
        """Lay the form's one file down for as long as it is asked about."""
        async with provisional(self._storage) as unkept:
            key = f"tmp/{uuid4()}"  # what a crash leaves there, `sweeping` finds
            unkept.add(key)
            [size] = [await self._lay_down(key, file) async for file in form.files()]
            fields = form.fields_as(kind)
            about: _About = {"object_key": key, "sealed_password": self._sealed(fields)}
            yield _Given(about, size, fields)

    async def _lay_down(self, key: str, file: FormFile) -> int:
        inspected = InspectedStream(file.chunks, max_bytes=self._limits.max_file_bytes)
        chunks = await inspected.open()
        if inspected.mime_type != _PDF:
            raise UnsupportedType("Send a PDF file.")
        await self._storage.put_stream(key, chunks, content_type=_PDF)
        return inspected.size

    def _sealed(self, fields: ToolFields) -> str | None:
        password = fields.password.get_secret_value() if fields.password else ""
        return self._seal.encrypt(password.encode()).decode() if password else None
