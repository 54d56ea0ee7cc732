"""Reads documents: one task finds out how many pages there are, others read a few pages each.

The worker keeps no state. A finished page is an object, so a task that is delivered again skips
it.
"""

import time
from uuid import UUID

import structlog
from common.envelope import Envelope
from common.storage import ObjectMissing, Storage
from contracts import (
    DocumentUploaded,
    Event,
    OcrAssemblyRequested,
    OcrPagesRequested,
    OcrRequested,
    ReadingTask,
    cancelled_key,
    result_key,
)
from pydantic import ValidationError

from ocr_worker.backends.registry import DEFAULT
from ocr_worker.box import Box
from ocr_worker.errors import DocumentError, PageDamaged, PageError, ReadingError
from ocr_worker.opening import Opener
from ocr_worker.pages import PageResult
from ocr_worker.reporting import Reporter, failure

logger = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.5
"""How often is looked whether a job was cancelled; a page in between is read to its end."""


class ReadingService:
    """The use cases: open a document, read some of its pages, give up."""

    def __init__(
        self, storage: Storage, opener: Opener, reporter: Reporter, *, default_language: str
    ) -> None:
        self._storage = storage
        self._opener = opener
        self._reporter = reporter
        self._default_language = default_language

    async def open(self, task: DocumentUploaded | OcrRequested, _: Envelope) -> None:
        """Open the document and tell how many pages it has, unless it is to wait."""
        if isinstance(task, DocumentUploaded) and not task.read_now:
            return
        try:
            async with self._opener.open(task) as opened:
                pages = opened.box.pages
        except DocumentError as error:
            await self._reporter.rejected(task, error)
            return
        await self._reporter.started(task, pages)

    async def read(self, task: OcrPagesRequested, _: Envelope) -> None:
        """Read the pages that nobody has read yet; tell the outcome of each."""
        todo = []
        for page in _numbers(task):
            result = await self._finished(task.job_id, page)
            if result is None:
                todo.append(page)
            else:
                await self._reporter.page_completed(task, result, None)
        if not todo or await self._cancelled(task):
            return
        try:
            async with self._opener.open(task) as opened:
                await self._read_pages(task, opened.box, todo)
        except DocumentError as error:
            # It could be opened when it was planned, so this is about these pages.
            for page in todo:
                await self._reporter.page_failed(task, page, error)

    async def give_up(self, event: Event, error: Exception) -> None:
        """Tell the document's owner that a task failed too often to be tried again."""
        reason = ReadingError(f"Reading failed again and again: {type(error).__name__}.")
        match event:
            case DocumentUploaded() | OcrRequested():
                await self._reporter.rejected(event, reason)
            case OcrPagesRequested():
                for page in _numbers(event):
                    await self._reporter.page_failed(event, page, reason)
            case OcrAssemblyRequested():
                failures = {"assembly": failure(reason)}
                await self._reporter.assembled(
                    event, outputs=(), failures=failures, understanding=None
                )

    async def _read_pages(self, task: OcrPagesRequested, box: Box, pages: list[int]) -> None:
        looked = time.monotonic()
        for page in pages:
            if time.monotonic() - looked > _LOOK_SECONDS:
                looked = time.monotonic()
                if await self._cancelled(task):
                    logger.info("cancelled", job_id=str(task.job_id), page=page)
                    return
            await self._read_page(task, box, page)

    async def _read_page(self, task: OcrPagesRequested, box: Box, page: int) -> None:
        started = time.perf_counter()
        try:
            result = await box.read(
                page,
                language=task.language or self._default_language,
                force_ocr=task.force_ocr,
                backend=task.backend or DEFAULT,
            )
        except IndexError:
            await self._reporter.page_failed(task, page, PageDamaged())
            return
        except PageError as error:
            await self._reporter.page_failed(task, page, error)
            return
        key = result_key(task.job_id, page)
        data = result.model_dump_json().encode()
        await self._storage.put(key, data, content_type="application/json")
        ms = round((time.perf_counter() - started) * 1000, 1)
        await self._reporter.page_completed(task, result, ms)

    async def _finished(self, job_id: UUID, page: int) -> PageResult | None:
        try:
            return PageResult.model_validate_json(await self._storage.get(result_key(job_id, page)))
        except (ObjectMissing, ValidationError):  # the latter from a worker of another version
            return None

    async def _cancelled(self, task: ReadingTask) -> bool:
        return await self._storage.exists(cancelled_key(task.job_id, task.attempt))


def _numbers(task: OcrPagesRequested) -> range:
    return range(task.first, task.last + 1)
