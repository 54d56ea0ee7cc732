"""Which event leads to what."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from common.broker import QueueSpec
from common.consumer import Handlers
from common.envelope import Envelope
from contracts import DocumentDeleted, Event, OcrCompleted, OcrFailed, OcrProgress

from notifier.notifications import NotificationService

HANDLERS: dict[type[Event], Callable[[NotificationService, Any, Envelope], Awaitable[None]]] = {
    OcrProgress: NotificationService.tell_progress,
    OcrCompleted: NotificationService.tell_completion,
    OcrFailed: NotificationService.tell_failure,
    DocumentDeleted: NotificationService.tell_deletion,
}

QUEUE = QueueSpec("notifier", events=tuple(event.name for event in HANDLERS))


def handlers(service: NotificationService) -> Handlers:
    """Return the table as the consumer wants it: each handler with the service it belongs to."""
    return {event: partial(handler, service) for event, handler in HANDLERS.items()}
