"""The composition root: every part is made here, and nothing exists before."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
from common.app import Running, build_app
from common.broker import Publisher
from common.consumer import Consumer
from common.database import open_database, ping
from common.keys import published_at
from common.outbox import Relay
from common.periodic import Periodic
from common.security import TokenVerifier
from common.storage import Storage
from fastapi import FastAPI

from documents import api
from documents.catalogue import api as catalogue
from documents.consumers import QUEUE, handlers
from documents.content import api as content
from documents.jobs import api as jobs
from documents.listing import api as listing
from documents.resources import Resources
from documents.schedule import schedule
from documents.search import api as search
from documents.search.indexing import QUEUE as SEARCH_QUEUE
from documents.search.indexing import Indexer
from documents.settings import ApiSettings, WorkerSettings
from documents.uploads import api as uploads

ROUTERS = [
    uploads.router,
    listing.router,
    catalogue.router,
    api.router,
    content.router,
    jobs.router,
    search.router,
]


def create_api(settings: ApiSettings) -> FastAPI:
    """Build the process that answers requests."""

    @asynccontextmanager
    async def start() -> AsyncIterator[Running]:
        async with (
            open_database(settings.database_url.get_secret_value()) as (engine, sessions),
            aiohttp.ClientSession() as http,
        ):
            storage = Storage(settings)
            tokens = TokenVerifier(
                published_at(http, str(settings.jwks_url)),
                issuer=settings.token_issuer,
                audience=settings.token_audience,
            )
            yield Running(
                Resources(sessions, storage, tokens, settings.upload_limits),
                checks={"database": lambda: ping(engine), "storage": storage.ping},
            )
            storage.close()

    return build_app("documents", start, routers=ROUTERS)


def create_worker(settings: WorkerSettings) -> FastAPI:
    """Build the process that counts pages, makes them searchable and sends events."""
    amqp_url = settings.amqp_url.get_secret_value()
    database_url = settings.database_url.get_secret_value()

    @asynccontextmanager
    async def start() -> AsyncIterator[Running]:
        async with open_database(database_url) as (engine, sessions):
            publisher = Publisher(amqp_url)
            storage = Storage(settings)
            relay = Relay(database_url=database_url, sessions=sessions, publisher=publisher)
            consumer = Consumer(
                amqp_url,
                QUEUE,
                handlers(sessions, storage),
                prefetch=settings.prefetch,
                drain_seconds=settings.shutdown_seconds,
            )
            indexer = Indexer(sessions, storage)
            search_consumer = Consumer(
                amqp_url,
                SEARCH_QUEUE,
                indexer.handlers(),
                prefetch=settings.prefetch,
                drain_seconds=settings.shutdown_seconds,
            )
            trash_kept = timedelta(days=settings.trash_days)
            periodic = Periodic(sessions, schedule(sessions, storage, trash_kept=trash_kept))
            yield Running(
                None,
                checks={
                    "database": lambda: ping(engine),
                    "broker": publisher.ping,
                    "storage": storage.ping,
                },
                tasks={
                    "relay": relay.run,
                    "consumer": consumer.run,
                    "search consumer": search_consumer.run,
                    "search backlog": indexer.run,
                    "periodic": periodic.run,
                },
            )
            await publisher.close()
            storage.close()

    return build_app("documents", start)
