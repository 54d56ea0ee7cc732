"""The composition root: every part is made here, and nothing exists before."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from common.app import Running, build_app
from common.broker import Publisher
from common.consumer import Consumer
from common.database import open_database, ping
from common.outbox import Relay
from common.periodic import Periodic
from common.security import TokenVerifier, published_at
from common.storage import Storage
from fastapi import FastAPI

from documents import api
from documents.consumers import QUEUE, handlers
from documents.jobs import api as jobs
from documents.resources import Resources
from documents.schedule import SCHEDULE
from documents.settings import ApiSettings, WorkerSettings
from documents.uploads import api as uploads

ROUTERS = [uploads.router, api.router, jobs.router]


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
                Resources(sessions, storage, tokens, settings.max_file_bytes),
                checks={"database": lambda: ping(engine), "storage": storage.ping},
            )
            storage.close()

    return build_app("documents", start, routers=ROUTERS)


def create_worker(settings: WorkerSettings) -> FastAPI:
    """Build the process that counts pages and sends events."""
    amqp_url = settings.amqp_url.get_secret_value()
    database_url = settings.database_url.get_secret_value()

    @asynccontextmanager
    async def start() -> AsyncIterator[Running]:
        async with open_database(database_url) as (engine, sessions):
            publisher = Publisher(amqp_url)
            relay = Relay(database_url=database_url, sessions=sessions, publisher=publisher)
            consumer = Consumer(
                amqp_url,
                QUEUE,
                handlers(sessions),
                prefetch=settings.prefetch,
                drain_seconds=settings.shutdown_seconds,
            )
            yield Running(
                None,
                checks={"database": lambda: ping(engine), "broker": publisher.ping},
                tasks={
                    "relay": relay.run,
                    "consumer": consumer.run,
                    "periodic": Periodic(sessions, SCHEDULE).run,
                },
            )
            await publisher.close()

    return build_app("documents", start)
