"""The composition root: every part is made here, and nothing exists before."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.answering import Answerer, Answers
from common.app import Running, build_app
from common.broker import Publisher, QueueSpec
from common.consumer import Consumer, Handlers
from common.storage import Storage
from contracts import OFFER_QUEUE, TOOLS_QUEUE
from fastapi import FastAPI

from ocr_worker.assembling import AssemblyService
from ocr_worker.backends.registry import Backends
from ocr_worker.consumers import (
    ASSEMBLY,
    DOCUMENTS,
    PAGES,
    assembly_handlers,
    document_handlers,
    page_handlers,
)
from ocr_worker.offering import OfferService
from ocr_worker.opening import Opener
from ocr_worker.reporting import Reporter
from ocr_worker.scratch import default_root, sweep
from ocr_worker.service import ReadingService
from ocr_worker.settings import Settings
from ocr_worker.tools import ToolService


def create_worker(settings: Settings) -> FastAPI:
    """Build the process that reads documents."""
    amqp_url = settings.amqp_url.get_secret_value()

    @asynccontextmanager
    async def start() -> AsyncIterator[Running]:
        sweep(default_root())  # what a worker that was killed has left behind
        storage = Storage(settings)
        publisher = Publisher(amqp_url)
        reporter = Reporter(publisher)
        backends = Backends(settings.vision_servers)
        opener = Opener(storage, backends, settings.password_seal)
        reading = ReadingService(
            storage, opener, reporter, default_language=settings.default_language
        )
        assembly = AssemblyService(storage, opener, reporter)

        def consumer(queue: QueueSpec, handlers: Handlers, *, prefetch: int) -> Consumer:
            return Consumer(
                amqp_url,
                queue,
                handlers,
                prefetch=prefetch,
                drain_seconds=settings.shutdown_seconds,
                give_up=reading.give_up,
            )

        def answerer(queue: str, answers: Answers, *, prefetch: int) -> Answerer:
            return Answerer(
                *(amqp_url, queue, answers),
                prefetch=prefetch,
                drain_seconds=settings.shutdown_seconds,
            )

        tools = ToolService(storage, opener).answers()
        offer = OfferService(backends).answers()
        yield Running(
            None,
            checks={"storage": storage.ping, "broker": publisher.ping},
            tasks={
                "documents": consumer(DOCUMENTS, document_handlers(reading), prefetch=1).run,
                "pages": consumer(PAGES, page_handlers(reading), prefetch=settings.slots).run,
                "assembly": consumer(ASSEMBLY, assembly_handlers(assembly), prefetch=1).run,
                "tools": answerer(TOOLS_QUEUE, tools, prefetch=settings.slots).run,
                "offer": answerer(OFFER_QUEUE, offer, prefetch=1).run,
            },
        )
        await publisher.close()
        storage.close()

    return build_app("ocr-worker", start)
