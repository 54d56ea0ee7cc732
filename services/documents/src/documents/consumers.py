"""Which event leads to what."""

from common.broker import QueueSpec
from common.consumer import Handlers
from common.database import Sessions
from common.inbox import SessionHandler, once
from common.storage import Storage
from contracts import (
    DocumentPurged,
    Event,
    OcrAssembled,
    OcrCancelled,
    OcrPageCompleted,
    OcrPageFailed,
    OcrRejected,
    OcrStarted,
    UserDeleted,
)

from documents.deletion import delete_all
from documents.jobs.fan_in import FanIn
from documents.jobs.stopping import leave_word
from documents.purging import remove_objects

HANDLERS: dict[type[Event], SessionHandler] = {
    OcrStarted: lambda session, event: FanIn(session).start(event),
    OcrRejected: lambda session, event: FanIn(session).reject(event),
    OcrPageCompleted: lambda session, event: FanIn(session).record_page(event),
    OcrPageFailed: lambda session, event: FanIn(session).record_failed_page(event),
    OcrAssembled: lambda session, event: FanIn(session).assembled(event),
}

_MANY = (UserDeleted.name, DocumentPurged.name, OcrCancelled.name)

QUEUE = QueueSpec(
    "documents",
    events=(*(event.name for event in HANDLERS), *_MANY),
)


def handlers(sessions: Sessions, storage: Storage) -> Handlers:
    """Return who handles what: in one transaction and once, or in many and as often as told."""
    return {
        **once(sessions, HANDLERS),
        UserDeleted: lambda event, _: delete_all(sessions, event.user_id),
        DocumentPurged: lambda event, _: remove_objects(storage, event),
        OcrCancelled: lambda event, _: leave_word(storage, event),
    }
