"""Which event leads to what: documents are planned from one queue, pages read from another.

Two queues, so that the plan of a small document never waits behind the pages of a large one.
"""

from common.broker import QueueSpec
from common.consumer import Handlers
from contracts import DocumentUploaded, OcrPagesRequested

from ocr_worker.service import ReadingService

DOCUMENTS = QueueSpec("ocr-worker", events=(DocumentUploaded.name,))
PAGES = QueueSpec("ocr-worker.pages", events=(OcrPagesRequested.name,))


def document_handlers(reading: ReadingService) -> Handlers:
    """Return what is done with the events of the queue `DOCUMENTS`."""
    return {DocumentUploaded: reading.plan}


def page_handlers(reading: ReadingService) -> Handlers:
    """Return what is done with the events of the queue `PAGES`."""
    return {OcrPagesRequested: reading.read}
