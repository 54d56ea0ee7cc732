"""The composition root: every part is made here, and nothing exists before."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
from common.app import Running, build_app
from common.asking import Asker
from common.broker import Publisher
from common.consumer import Consumer
from common.database import open_database, ping
from common.keys import published_at
from common.outbox import Relay
from common.periodic import Periodic
from common.sealing import fernet
from common.security import TokenVerifier
from common.storage import Storage
from fastapi import FastAPI

from documents import api
from documents.catalogue import api as catalogue
from documents.chunked import api as chunked
from documents.consumers import QUEUE, handlers
from documents.content import api as content
from documents.direct import api as direct
from documents.exports import api as exports
from documents.jobs import api as jobs
from documents.jobs.dispatching import Dispatcher
from documents.jobs.workers import Workers
from documents.listing import api as listing
from documents.pictures import api as pictures
from documents.resources import Resources
from documents.schedule import schedule
from documents.search import api as search
from documents.search.indexing import QUEUE as SEARCH_QUEUE
from documents.search.indexing import Indexer
from documents.settings import ApiSettings, WorkerSettings
from documents.tools import api as tools
from documents.tools.offers import Offers
from documents.tus import api as tus
from documents.tus.middleware import TusHeaders
from documents.uploads import api as uploads

ROUTERS = [
    uploads.router,
    chunked.router,
    direct.router,
    tus.router,
    listing.router,
    catalogue.router,
    api.router,
    content.router,
    exports.router,
    pictures.router,
    jobs.router,
    search.router,
    tools.router,
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
            asker = Asker(settings.amqp_url.get_secret_value())
            offers = Offers(asker)
            yield Running(
                Resources(
                    sessions,
                    storage,
                    tokens,
                    settings.upload_limits,
                    fernet(settings.password_sealing_key),
                    asker,
                    offers,
                ),
                checks={"database": lambda: ping(engine), "storage": storage.ping},
            )
            await offers.close()
            await asker.close()
            storage.close()

    app = build_app("documents", start, routers=ROUTERS)
    app.add_middleware(TusHeaders)
    return app


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
            workers = Workers(amqp_url)
            dispatcher = Dispatcher(database_url, sessions, workers)
            turns = schedule(
                sessions,
                storage,
                settings.upload_limits,
                workers,
                trash_kept=timedelta(days=settings.trash_days),
                silent_after=timedelta(seconds=settings.silent_seconds),
            )
            yield Running(
                None,
                checks={
                    "database": lambda: ping(engine),
                    "broker": publisher.ping,
                    "storage": storage.ping,
                },
                tasks={
                    "relay": relay.run,
                    "dispatcher": dispatcher.run,
                    "consumer": consumer.run,
                    "search consumer": search_consumer.run,
                    "search backlog": indexer.run,
                    "periodic": Periodic(sessions, turns).run,
                },
            )
            await workers.close()
            await publisher.close()
            storage.close()

    return build_app("documents", start)
