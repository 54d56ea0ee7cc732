"""What users are told, and when: one message for each event that is theirs."""

import structlog
from common.envelope import Envelope
from common.errors import problem_type
from contracts import (
    DocumentDeleted,
    DocumentPurged,
    DocumentRestored,
    DocumentUpdated,
    Failure,
    OcrCancelled,
    OcrCompleted,
    OcrFailed,
    OcrProgress,
    ReportCompleted,
    ReportProgress,
)

from notifier.messages import (
    CompletionMessage,
    CompletionResult,
    DeletionMessage,
    ProgressMessage,
    PurgeMessage,
    ReportCompletionMessage,
    ReportProgressMessage,
    RestorationMessage,
    UpdateMessage,
)
from notifier.streams import End, Progress, Streams

logger = structlog.get_logger(__name__)

_CANCELLED = Failure(type=problem_type("reading-cancelled"), title="Reading was cancelled")
_RANKS = {"queued": 0, "processing": 1}
_LAST_RANK = 2


class NotificationService:
    """Tells the owners of documents and reports what has become of them."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    async def tell_progress(self, event: OcrProgress, envelope: Envelope) -> None:
        """Tell how far a job is, unless more is known already."""
        message = ProgressMessage(
            timestamp=envelope.time,
            document_id=event.document_id,
            job_id=event.job_id,
            attempt=event.attempt,
            progress=event.progress,
            status=event.status,
            page=event.page,
            pages_done=event.pages_done,
            pages_total=event.pages_total,
        )
        step = Progress(
            job_id=event.job_id,
            progress=event.progress,
            pages_done=event.pages_done,
            rank=_RANKS.get(event.status, _LAST_RANK),
            attempt=event.attempt,
        )
        added = await self._streams.add(event.owner_id, message, cause=envelope, step=step)
        if not added:
            logger.debug("progress was told already", job_id=str(event.job_id))

    async def tell_completion(self, event: OcrCompleted, envelope: Envelope) -> None:
        """Tell that a document was read, and first that its progress is full."""
        message = CompletionMessage(
            timestamp=envelope.time,
            document_id=event.document_id,
            job_id=event.job_id,
            attempt=event.attempt,
            success=True,
            partial=event.partial,
            result=CompletionResult(pages=event.pages, missing_pages=event.missing_pages),
            error=None,
        )
        # The event may overtake the last progress, which is then refused as too late.
        full_progress = ProgressMessage(
            timestamp=envelope.time,
            document_id=event.document_id,
            job_id=event.job_id,
            attempt=event.attempt,
            progress=100,
            status="partial" if event.partial else "completed",
            page=None,
            pages_done=event.pages,
            pages_total=event.pages + len(event.missing_pages),
        )
        end = End(event.job_id, full_progress, event.attempt)
        await self._streams.add(event.owner_id, message, cause=envelope, step=end)

    async def tell_failure(self, event: OcrFailed, envelope: Envelope) -> None:
        """Tell that a document could not be read, and why."""
        message = CompletionMessage(
            timestamp=envelope.time,
            document_id=event.document_id,
            job_id=event.job_id,
            attempt=event.attempt,
            success=False,
            partial=False,
            result=None,
            error=event.error,
        )
        end = End(event.job_id, None, event.attempt)
        await self._streams.add(event.owner_id, message, cause=envelope, step=end)

    async def tell_cancellation(self, event: OcrCancelled, envelope: Envelope) -> None:
        """Tell that a document is not read any further."""
        message = CompletionMessage(
            timestamp=envelope.time,
            document_id=event.document_id,
            job_id=event.job_id,
            attempt=event.attempt,
            success=False,
            partial=False,
            result=None,
            error=_CANCELLED,
        )
        end = End(event.job_id, None, event.attempt)
        await self._streams.add(event.owner_id, message, cause=envelope, step=end)

    async def tell_update(self, event: DocumentUpdated, envelope: Envelope) -> None:
        """Tell what is no longer as it was about a document."""
        message = UpdateMessage(
            timestamp=envelope.time, document_id=event.document_id, changed=event.changed
        )
        await self._streams.add(event.owner_id, message, cause=envelope)

    async def tell_deletion(self, event: DocumentDeleted, envelope: Envelope) -> None:
        """Tell that a document is gone."""
        message = DeletionMessage(timestamp=envelope.time, document_id=event.document_id)
        await self._streams.add(event.owner_id, message, cause=envelope)

    async def tell_restoration(self, event: DocumentRestored, envelope: Envelope) -> None:
        """Tell that a document is there again."""
        message = RestorationMessage(timestamp=envelope.time, document_id=event.document_id)
        await self._streams.add(event.owner_id, message, cause=envelope)

    async def tell_purge(self, event: DocumentPurged, envelope: Envelope) -> None:
        """Tell that a document cannot be restored any more."""
        message = PurgeMessage(timestamp=envelope.time, document_id=event.document_id)
        await self._streams.add(event.owner_id, message, cause=envelope)

    async def tell_report_progress(self, event: ReportProgress, envelope: Envelope) -> None:
        """Tell how far a report is, unless more is known already."""
        message = ReportProgressMessage(
            timestamp=envelope.time, report_id=event.report_id, progress=event.progress
        )
        step = Progress(event.report_id, event.progress)
        await self._streams.add(event.owner_id, message, cause=envelope, step=step)

    async def tell_report_completion(self, event: ReportCompleted, envelope: Envelope) -> None:
        """Tell that a report can be downloaded, or why it could not be made."""
        message = ReportCompletionMessage(
            timestamp=envelope.time,
            report_id=event.report_id,
            success=event.error is None,
            rows=event.rows,
            error=event.error,
        )
        full_progress = ReportProgressMessage(
            timestamp=envelope.time, report_id=event.report_id, progress=100
        )
        end = End(event.report_id, full_progress if event.error is None else None)
        await self._streams.add(event.owner_id, message, cause=envelope, step=end)
