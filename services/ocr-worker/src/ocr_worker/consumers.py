"""Which event leads to what: three queues, so that no kind of work waits behind another.

Each holds little: the documents service hands out work as the workers take it.
"""

from common.broker import QueueSpec
from common.consumer import Handlers
from contracts import (
    PAGES_QUEUE,
    PLANS_QUEUE,
    DocumentUploaded,
    OcrAssemblyRequested,
    OcrPagesRequested,
    OcrRequested,
)

from ocr_worker.assembling import AssemblyService
from ocr_worker.service import ReadingService

DOCUMENTS = QueueSpec(PLANS_QUEUE, events=(DocumentUploaded.name, OcrRequested.name))
PAGES = QueueSpec(PAGES_QUEUE, events=(OcrPagesRequested.name,))
ASSEMBLY = QueueSpec("ocr-worker.assembly", events=(OcrAssemblyRequested.name,))


def document_handlers(reading: ReadingService) -> Handlers:
    """Return what is done with the events of the queue `DOCUMENTS`."""
    return {DocumentUploaded: reading.open, OcrRequested: reading.open}


def page_handlers(reading: ReadingService) -> Handlers:
    """Return what is done with the events of the queue `PAGES`."""
    return {OcrPagesRequested: reading.read}


def assembly_handlers(assembly: AssemblyService) -> Handlers:
    """Return what is done with the events of the queue `ASSEMBLY`."""
    return {OcrAssemblyRequested: assembly.assemble}
