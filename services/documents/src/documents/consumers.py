"""Which event leads to what."""

from common.broker import QueueSpec
from common.consumer import Handlers
from common.database import Sessions
from common.inbox import SessionHandler, once
from common.storage import Storage
from contracts import (
    DocumentPurged,
    Event,
    OcrPageCompleted,
    OcrPageFailed,
    OcrRejected,
    OcrStarted,
    UserDeleted,
)

from documents.deletion import delete_all
from documents.jobs.service import JobService
from documents.purging import remove_objects

HANDLERS: dict[type[Event], SessionHandler] = {
    OcrStarted: lambda session, event: JobService(session).start(event),
    OcrRejected: lambda session, event: JobService(session).reject(event),
    OcrPageCompleted: lambda session, event: JobService(session).record_page(event),
    OcrPageFailed: lambda session, event: JobService(session).record_failed_page(event),
}

QUEUE = QueueSpec(
    "documents",
    events=(*(event.name for event in HANDLERS), UserDeleted.name, DocumentPurged.name),
)


def handlers(sessions: Sessions, storage: Storage) -> Handlers:
    """Return who handles what: in one transaction and once, or in many and as often as told."""
    return {
        **once(sessions, HANDLERS),
        UserDeleted: lambda event, _: delete_all(sessions, event.user_id),
        DocumentPurged: lambda event, _: remove_objects(storage, event),
    }
