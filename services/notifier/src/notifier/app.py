"""The composition root: every part is made here, and nothing exists before."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import aiohttp
from common.app import Running, build_app
from common.broker import Publisher
from common.consumer import Consumer
from common.denylist import DenyList
from common.redis import FOR_EVER, NEVER, open_redis
from common.security import TokenVerifier, published_at
from fastapi import FastAPI

from notifier.api import router
from notifier.authentication import Authenticator
from notifier.consumers import QUEUE, handlers
from notifier.hub import Hub
from notifier.notifications import NotificationService
from notifier.resources import Resources
from notifier.service import SocketService
from notifier.settings import ApiSettings, WorkerSettings
from notifier.sockets import QueueLimits
from notifier.streams import Streams


def create_api(settings: ApiSettings) -> FastAPI:
    """Build the process that holds the sockets."""

    @asynccontextmanager
    async def start() -> AsyncIterator[Running]:
        async with (
            aiohttp.ClientSession() as http,
            aclosing(open_redis(settings)) as redis,
            aclosing(open_redis(settings, NEVER)) as subscriber,
        ):
            denylist = DenyList(redis)
            tokens = TokenVerifier(
                published_at(http, str(settings.jwks_url)),
                issuer=settings.token_issuer,
                audience=settings.token_audience,
                denylist=denylist,
            )
            authenticator = Authenticator(
                tokens,
                redis,
                auth_seconds=settings.auth_seconds,
                ticket_socket_seconds=settings.ticket_socket_seconds,
            )
            hub = Hub(subscriber, Streams(redis))
            limits = QueueLimits(settings.socket_queue_bytes, settings.socket_queue_seconds)
            yield Running(
                Resources(tokens, SocketService(authenticator, hub, limits)),
                checks={"redis": redis.ping},
                tasks={"hub": hub.run, "denylist": denylist.run},
            )

    return build_app("notifier", start, routers=[router])


def create_worker(settings: WorkerSettings) -> FastAPI:
    """Build the process that turns events into what the sockets are told."""
    amqp_url = settings.amqp_url.get_secret_value()

    @asynccontextmanager
    async def start() -> AsyncIterator[Running]:
        # An event waits for Redis as long as it takes: were it put aside and tried again later,
        # the ones behind it would overtake it.
        async with aclosing(open_redis(settings, FOR_EVER)) as redis:
            publisher = Publisher(amqp_url)
            consumer = Consumer(
                amqp_url,
                QUEUE,
                handlers(NotificationService(Streams(redis))),
                prefetch=settings.prefetch,
                drain_seconds=settings.shutdown_seconds,
            )
            yield Running(
                None,
                checks={"redis": redis.ping, "broker": publisher.ping},
                tasks={"consumer": consumer.run},
            )
            await publisher.close()

    return build_app("notifier", start)
