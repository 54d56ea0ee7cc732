"""Which event leads to what."""

from common.broker import QueueSpec
from common.inbox import SessionHandler
from contracts import Event, OcrPageCompleted, OcrPageFailed, OcrRejected, OcrStarted

from documents.jobs import JobService

HANDLERS: dict[type[Event], SessionHandler] = {
    OcrStarted: lambda session, event: JobService(session).start(event),
    OcrRejected: lambda session, event: JobService(session).reject(event),
    OcrPageCompleted: lambda session, event: JobService(session).record_page(event),
    OcrPageFailed: lambda session, event: JobService(session).record_failed_page(event),
}

QUEUE = QueueSpec("documents", events=tuple(event.name for event in HANDLERS))
