"""Reads documents: one task finds out how many pages there are, others read a few pages each.

The worker keeps no state. A finished page is an object, so a task that is delivered again skips
it; and an event's id follows from what happened, so that telling it again is the same event.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid5

import structlog
from common.broker import Publisher
from common.envelope import Envelope, seal
from common.errors import problem_type
from common.storage import ObjectMissing, Storage
from contracts import (
    DocumentUploaded,
    Event,
    Failure,
    OcrPageCompleted,
    OcrPageFailed,
    OcrPagesRequested,
    OcrRejected,
    OcrStarted,
    PageSource,
)
from pydantic import ValidationError

from ocr_worker.box import Box
from ocr_worker.errors import DocumentError, DocumentGone, PageDamaged, PageError, ReadingError
from ocr_worker.pages import PageResult
from ocr_worker.scratch import default_root, scratch_directory

logger = structlog.get_logger(__name__)

SOURCE = "ocr-worker"


class ReadingService:
    """The use cases: plan a document, read some of its pages, give up."""

    def __init__(
        self,
        storage: Storage,
        publisher: Publisher,
        *,
        pages_per_task: int,
        default_language: str,
    ) -> None:
        self._storage = storage
        self._publisher = publisher
        self._pages_per_task = pages_per_task
        self._default_language = default_language

    async def plan(self, event: DocumentUploaded, _: Envelope) -> None:
        """Open the document, tell how many pages it has, and ask for all of them."""
        try:
            async with self._opened(event.object_key) as box:
                pages = box.pages
        except DocumentError as error:
            await self._reject(event, error)
            return
        started = OcrStarted(document_id=event.document_id, job_id=event.job_id, pages=pages)
        await self._publish(started, "started")
        for first in range(1, pages + 1, self._pages_per_task):
            await self._request(event, first, min(first + self._pages_per_task - 1, pages))

    async def read(self, event: OcrPagesRequested, _: Envelope) -> None:
        """Read the pages that nobody has read yet; tell the outcome of each."""
        done = {page: await self._finished(event.job_id, page) for page in _numbers(event)}
        for page, result in done.items():
            if result is not None:
                await self._completed(event, result, page)
        todo = [page for page, result in done.items() if result is None]
        if not todo:
            return
        try:
            async with self._opened(event.object_key) as box:
                for page in todo:
                    await self._read_page(event, box, page)
        except DocumentError as error:
            # It could be opened when it was planned, so this is about these pages.
            for page in todo:
                await self._failed(event, page, error)

    async def give_up(self, event: Event, error: Exception) -> None:
        """Tell the document's owner that a task failed too often to be tried again."""
        failure = ReadingError(f"Reading failed again and again: {type(error).__name__}.")
        if isinstance(event, DocumentUploaded):
            await self._reject(event, failure)
        elif isinstance(event, OcrPagesRequested):
            for page in _numbers(event):
                await self._failed(event, page, failure)

    @asynccontextmanager
    async def _opened(self, object_key: str) -> AsyncIterator[Box]:
        with scratch_directory(default_root()) as folder:
            path = folder / "original"
            try:
                await self._storage.download(object_key, path)
            except ObjectMissing as error:
                raise DocumentGone from error
            async with Box.open(path) as box:
                yield box

    async def _read_page(self, event: OcrPagesRequested, box: Box, page: int) -> None:
        try:
            result = await box.read(page, language=event.language or self._default_language)
        except IndexError:
            await self._failed(event, page, PageDamaged())
            return
        except PageError as error:
            await self._failed(event, page, error)
            return
        key = _result_key(event.job_id, page)
        data = result.model_dump_json().encode()
        await self._storage.put(key, data, content_type="application/json")
        await self._completed(event, result, page)

    async def _finished(self, job_id: UUID, page: int) -> PageResult | None:
        try:
            return PageResult.model_validate_json(
                await self._storage.get(_result_key(job_id, page))
            )
        except (ObjectMissing, ValidationError):  # the latter from a worker of another version
            return None

    async def _request(self, event: DocumentUploaded, first: int, last: int) -> None:
        request = OcrPagesRequested(
            document_id=event.document_id,
            job_id=event.job_id,
            object_key=event.object_key,
            mime_type=event.mime_type,
            language=event.language,
            first=first,
            last=last,
        )
        await self._publish(request, f"pages/{first}-{last}")

    async def _completed(self, event: OcrPagesRequested, result: PageResult, page: int) -> None:
        completed = OcrPageCompleted(
            document_id=event.document_id,
            job_id=event.job_id,
            page=page,
            source=PageSource(result.source),
            chars=len(result.text),
            confidence=result.confidence,
            result_key=_result_key(event.job_id, page),
        )
        await self._publish(completed, f"page/{page}/completed")

    async def _failed(self, event: OcrPagesRequested, page: int, error: ReadingError) -> None:
        logger.warning("page failed", job_id=str(event.job_id), page=page, reason=error.slug)
        failed = OcrPageFailed(
            document_id=event.document_id, job_id=event.job_id, page=page, error=_failure(error)
        )
        await self._publish(failed, f"page/{page}/failed/{error.slug}")

    async def _reject(self, event: DocumentUploaded, error: ReadingError) -> None:
        logger.warning("document rejected", job_id=str(event.job_id), reason=error.slug)
        rejected = OcrRejected(
            document_id=event.document_id, job_id=event.job_id, error=_failure(error)
        )
        await self._publish(rejected, f"rejected/{error.slug}")

    async def _publish(
        self,
        event: OcrStarted | OcrRejected | OcrPagesRequested | OcrPageCompleted | OcrPageFailed,
        what: str,
    ) -> None:
        event_id = str(uuid5(event.job_id, what))
        await self._publisher.publish(seal(event, source=SOURCE, event_id=event_id))


def _numbers(event: OcrPagesRequested) -> range:
    return range(event.first, event.last + 1)


def _result_key(job_id: UUID, page: int) -> str:
    return f"results/{job_id}/{page}.json"


def _failure(error: ReadingError) -> Failure:
    return Failure(type=problem_type(error.slug), title=error.title, detail=str(error))
