"""Every event on the bus: read this package to know what the services tell each other."""

from contracts.base import Event, UnknownEventType, event_type
from contracts.events import (
    DocumentDeleted,
    DocumentUploaded,
    Failure,
    OcrCompleted,
    OcrFailed,
    OcrPageCompleted,
    OcrPageFailed,
    OcrPagesRequested,
    OcrProgress,
    OcrRejected,
    OcrStarted,
    PageSource,
)

__all__ = [
    "DocumentDeleted",
    "DocumentUploaded",
    "Event",
    "Failure",
    "OcrCompleted",
    "OcrFailed",
    "OcrPageCompleted",
    "OcrPageFailed",
    "OcrPagesRequested",
    "OcrProgress",
    "OcrRejected",
    "OcrStarted",
    "PageSource",
    "UnknownEventType",
    "event_type",
]
