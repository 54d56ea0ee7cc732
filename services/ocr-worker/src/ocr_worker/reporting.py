"""What a worker tells the others: each thing once, however often it is told.

An event's id follows from what happened and in which attempt, so that telling it again is the same
event, and who listens drops it.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid5

import structlog
from common.broker import Publisher
from common.envelope import seal
from common.errors import problem_type
from contracts import (
    Failure,
    OcrAssembled,
    OcrPageCompleted,
    OcrPageFailed,
    OcrRejected,
    OcrStarted,
    PageSource,
    ReadingTask,
    result_key,
)

from ocr_worker.errors import ReadingError
from ocr_worker.pages import PageResult

logger = structlog.get_logger(__name__)

SOURCE = "ocr-worker"

Report = OcrStarted | OcrRejected | OcrPageCompleted | OcrPageFailed | OcrAssembled


class Reporter:
    """Publishes what has become of tasks."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def started(self, task: ReadingTask, pages: int) -> None:
        """Tell that the document could be opened, and how many pages it has."""
        event = OcrStarted(
            document_id=task.document_id, job_id=task.job_id, attempt=task.attempt, pages=pages
        )
        await self._publish(event, "started")

    async def rejected(self, task: ReadingTask, error: ReadingError) -> None:
        """Tell that the document cannot be opened."""
        logger.warning("document rejected", job_id=str(task.job_id), reason=error.slug)
        event = OcrRejected(
            document_id=task.document_id,
            job_id=task.job_id,
            attempt=task.attempt,
            error=failure(error),
        )
        await self._publish(event, f"rejected/{error.slug}")

    async def page_completed(self, task: ReadingTask, page: PageResult, ms: float | None) -> None:
        """Tell that a page was read, and in how many milliseconds if it was now."""
        event = OcrPageCompleted(
            document_id=task.document_id,
            job_id=task.job_id,
            attempt=task.attempt,
            page=page.number,
            source=PageSource(page.source),
            chars=len(page.text),
            confidence=page.confidence,
            result_key=result_key(task.job_id, page.number),
            ms=ms,
        )
        await self._publish(event, f"page/{page.number}/completed")

    async def page_failed(self, task: ReadingTask, page: int, error: ReadingError) -> None:
        """Tell that a page cannot be read."""
        logger.warning("page failed", job_id=str(task.job_id), page=page, reason=error.slug)
        event = OcrPageFailed(
            document_id=task.document_id,
            job_id=task.job_id,
            attempt=task.attempt,
            page=page,
            error=failure(error),
        )
        await self._publish(event, f"page/{page}/failed/{error.slug}")

    async def assembled(
        self,
        task: ReadingTask,
        *,
        outputs: Sequence[str],
        failures: Mapping[str, Failure],
        understanding: dict[str, Any] | None,
    ) -> None:
        """Tell what was made of the whole document, and what could not be."""
        event = OcrAssembled(
            document_id=task.document_id,
            job_id=task.job_id,
            attempt=task.attempt,
            outputs=tuple(outputs),
            failures=dict(failures),
            understanding=understanding,
        )
        await self._publish(event, "assembled")

    async def _publish(self, event: Report, what: str) -> None:
        event_id = str(uuid5(event.job_id, f"{event.attempt}/{what}"))
        await self._publisher.publish(seal(event, source=SOURCE, event_id=event_id))


def failure(error: ReadingError) -> Failure:
    """Return an error as others are told of it."""
    return Failure(type=problem_type(error.slug), title=error.title, detail=str(error))
