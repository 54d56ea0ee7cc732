"""The composition root: every part is made here, and nothing exists before."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.app import Running, build_app
from common.broker import Publisher, QueueSpec
from common.consumer import Consumer, Handlers
from common.storage import Storage
from fastapi import FastAPI

from ocr_worker.consumers import DOCUMENTS, PAGES, document_handlers, page_handlers
from ocr_worker.scratch import default_root, sweep
from ocr_worker.service import ReadingService
from ocr_worker.settings import Settings


def create_worker(settings: Settings) -> FastAPI:
    """Build the process that reads documents."""
    amqp_url = settings.amqp_url.get_secret_value()

    @asynccontextmanager
    async def start() -> AsyncIterator[Running]:
        sweep(default_root())  # what a worker that was killed has left behind
        storage = Storage(settings)
        publisher = Publisher(amqp_url)
        reading = ReadingService(
            storage,
            publisher,
            pages_per_task=settings.pages_per_task,
            default_language=settings.default_language,
        )

        def consumer(queue: QueueSpec, handlers: Handlers, *, prefetch: int) -> Consumer:
            return Consumer(
                amqp_url,
                queue,
                handlers,
                prefetch=prefetch,
                drain_seconds=settings.shutdown_seconds,
                give_up=reading.give_up,
            )

        yield Running(
            None,
            checks={"storage": storage.ping, "broker": publisher.ping},
            tasks={
                "documents": consumer(DOCUMENTS, document_handlers(reading), prefetch=1).run,
                "pages": consumer(PAGES, page_handlers(reading), prefetch=settings.slots).run,
            },
        )
        await publisher.close()
        storage.close()

    return build_app("ocr-worker", start)
