"""What can be shown of a document: its pages as pictures, and as a PDF that can be searched."""

import hashlib
from pathlib import PurePosixPath
from uuid import UUID

from common.asking import Asker
from common.errors import Problem
from common.storage import ObjectMissing, Storage
from contracts import TOOLS_QUEUE, AskDrawnPage, output_key
from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from documents.conditions import Conditions
from documents.content.files import FileAnswer, StoredContent
from documents.content.service import original
from documents.content.wish import Wish
from documents.disposition import attachment
from documents.errors import DocumentNotFound
from documents.etags import EntityTag
from documents.jobs.models import Job, Status
from documents.models import Document
from documents.pictures.errors import (
    NoPicture,
    NoSearchablePdf,
    NoSuchPage,
    SearchablePdfPending,
)
from documents.repository import DocumentRepository
from documents.sandbox import HARMLESS

MOST_WIDTH = 2_400
_STEP = 200
"""Widths are rounded up to one of these, so that only so many pictures of a page are kept."""
_THUMBNAIL_PIXELS = 400
_DRAWING_SECONDS = 20.0
_WEBP = "image/webp"
_PDF = "application/pdf"
_SEARCHABLE = "searchable.pdf"
_THUMBNAIL = "thumbnail.webp"
_WELL = frozenset({Status.COMPLETED, Status.PARTIAL})


class PictureService:
    """Sends what workers have made of documents, or makes them make it."""

    def __init__(self, session: AsyncSession, storage: Storage, asker: Asker) -> None:
        self._session = session
        self._storage = storage
        self._asker = asker
        self._documents = DocumentRepository(session)

    async def page(
        self, owner_id: UUID, document_id: UUID, number: int, width: int, conditions: Conditions
    ) -> Response:
        """Return a picture of a page that is at least as wide, in pixels, if its page allows it.

        Raises `NoSuchPage`, `NoPicture`, and what `Asker.ask` raises.
        """
        document = await self._document(owner_id, document_id)
        if number > (document.job.pages_total or number):
            raise NoSuchPage(f"The last page is {document.job.pages_total}.")
        width = -(-width // _STEP) * _STEP
        question = AskDrawnPage(
            object_key=document.object_key,
            sealed_password=document.job.sealed_password,
            page=number,
            width=width,
            target_key=output_key(document.job.id, f"pictures/{number}-{width}.webp"),
        )
        return await self._answer(question, conditions)

    async def thumbnail(
        self, owner_id: UUID, document_id: UUID, conditions: Conditions
    ) -> Response:
        """Return a small picture of the first page; raises as `page` does."""
        document = await self._document(owner_id, document_id)
        question = AskDrawnPage(
            object_key=document.object_key,
            sealed_password=document.job.sealed_password,
            page=1,
            width=_THUMBNAIL_PIXELS,
            height=_THUMBNAIL_PIXELS,
            target_key=output_key(document.job.id, _THUMBNAIL),
        )
        return await self._answer(question, conditions)

    async def searchable(self, owner_id: UUID, document_id: UUID, wish: Wish) -> Response:
        """Return the document as a PDF that can be searched.

        That is the original when it is a PDF in which nothing had to be recognised. Raises
        `SearchablePdfPending` and `NoSearchablePdf`.
        """
        document = await self._document(owner_id, document_id)
        if _SEARCHABLE in document.job.outputs:
            file = await self._made(document)
        else:
            _refuse_unless_original_is_as_good(document.job, document.mime_type)
            file = original(document)
        return await FileAnswer(self._storage, file, attachment).to(wish)

    async def _document(self, owner_id: UUID, document_id: UUID) -> Document:
        document = await self._documents.get(document_id, owner_id=owner_id)
        await self._session.close()  # workers and storage may be slow: nobody waits for us
        return document

    async def _answer(self, question: AskDrawnPage, conditions: Conditions) -> Response:
        # A picture never changes under its key: the original does not, nor how it is drawn.
        etag = EntityTag(hashlib.sha256(question.target_key.encode()).hexdigest())
        headers = {"ETag": str(etag), "Cache-Control": "private, no-cache"}
        conditions.check(etag)
        if conditions.is_known(etag):
            return Response(status_code=304, headers=headers)
        picture = await self._picture(question)
        return Response(picture, headers=headers | HARMLESS, media_type=_WEBP)

    async def _picture(self, question: AskDrawnPage) -> bytes:
        """Return a picture that was made before, or let a worker make it."""
        try:
            return await self._storage.get(question.target_key)
        except ObjectMissing:
            await self._draw(question)
        try:
            return await self._storage.get(question.target_key)
        except ObjectMissing:  # it is being purged at this very moment
            raise DocumentNotFound from None

    async def _draw(self, question: AskDrawnPage) -> None:
        try:
            await self._asker.ask(TOOLS_QUEUE, question, seconds=_DRAWING_SECONDS)
        except Problem as problem:
            if problem.slug == "document-gone":
                raise DocumentNotFound from problem
            if problem.slug == NoSuchPage.slug:
                raise NoSuchPage(problem.detail) from problem
            if problem.status == 422:
                raise NoPicture(f"{problem.title}. {problem.detail}".strip()) from problem
            raise

    async def _made(self, document: Document) -> StoredContent:
        key = output_key(document.job.id, _SEARCHABLE)
        try:
            state = await self._storage.state(key)
        except ObjectMissing:
            raise DocumentNotFound from None
        return StoredContent(
            key=key,
            filename=f"{PurePosixPath(document.filename).stem or 'document'}.pdf",
            mime_type=_PDF,
            size=state.size,
            etag=EntityTag(state.etag.strip('"')),
            modified=(document.job.completed_at or document.created_at).replace(microsecond=0),
        )


def _refuse_unless_original_is_as_good(job: Job, mime_type: str) -> None:
    if not job.ended:
        raise SearchablePdfPending(f"The job is {job.status.value}.")
    failure = job.output_failures.get(_SEARCHABLE) or job.output_failures.get("assembly")
    if failure is not None:
        raise NoSearchablePdf(f"{failure['title']}. {failure.get('detail', '')}".strip())
    if job.status not in _WELL:
        why = job.error["title"] if job.error else f"The job is {job.status.value}."
        raise NoSearchablePdf(why)
    if mime_type != _PDF:
        raise NoSearchablePdf("Nothing was recognised in it.")
