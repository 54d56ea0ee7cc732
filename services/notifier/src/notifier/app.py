"""The composition root: every part is made here, and nothing exists before."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta

import aiohttp
from common.app import Running, build_app
from common.broker import Publisher
from common.consumer import Consumer
from common.database import open_database, ping
from common.denylist import DenyList
from common.inbox import forget
from common.keys import published_at
from common.periodic import Job, Periodic
from common.redis import FOR_EVER, NEVER, open_redis
from common.security import TokenVerifier
from fastapi import FastAPI

from notifier.api import router
from notifier.authentication import Authenticator
from notifier.consumers import MAIL_QUEUE, QUEUE, handlers, mail_handlers
from notifier.hub import Hub
from notifier.letters import Letters
from notifier.links import Links
from notifier.mailer import Mailer
from notifier.mails import MailService
from notifier.notifications import NotificationService
from notifier.resources import Resources
from notifier.service import SocketService
from notifier.settings import ApiSettings, WorkerSettings
from notifier.sockets import QueueLimits
from notifier.streams import Streams

JOBS = {
    "forget-events": Job(
        timedelta(hours=1), lambda session: forget(session, older_than=timedelta(days=30))
    ),
}
"""What the worker does every so often."""


def create_api(settings: ApiSettings) -> FastAPI:
    """Build the process that holds the sockets."""

    @asynccontextmanager
    async def start() -> AsyncIterator[Running]:
        async with (
            aiohttp.ClientSession() as http,
            aclosing(open_redis(settings)) as redis,
            aclosing(open_redis(settings, NEVER)) as subscriber,
        ):
            hub = Hub(subscriber, Streams(redis))
            denylist = DenyList(
                subscriber, on_denied=lambda user_id: hub.dismiss(user_id, denylist.denies)
            )
            await denylist.open()
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
            limits = QueueLimits(settings.socket_queue_bytes, settings.socket_queue_seconds)
            yield Running(
                Resources(tokens, SocketService(authenticator, hub, limits, denylist=denylist)),
                checks={"redis": redis.ping},
                tasks={"hub": hub.run, "denylist": denylist.run},
            )

    return build_app("notifier", start, routers=[router])


def create_worker(settings: WorkerSettings) -> FastAPI:
    """Build the process that turns events into what the sockets are told, and into mails."""
    amqp_url = settings.amqp_url.get_secret_value()
    database_url = settings.database_url.get_secret_value()

    @asynccontextmanager
    async def start() -> AsyncIterator[Running]:
        async with (
            # An event waits for Redis as long as it takes: were it put aside and tried again
            # later, the ones behind it would overtake it.
            aclosing(open_redis(settings, FOR_EVER)) as redis,
            open_database(database_url) as (engine, sessions),
        ):
            publisher = Publisher(amqp_url)
            consumer = Consumer(
                amqp_url,
                QUEUE,
                handlers(NotificationService(Streams(redis))),
                prefetch=settings.prefetch,
                drain_seconds=settings.shutdown_seconds,
            )
            mails = MailService(Letters(settings.mail_from), Mailer(settings), Links(settings))
            mail_consumer = Consumer(
                amqp_url,
                MAIL_QUEUE,
                mail_handlers(mails, sessions),
                prefetch=settings.mail_prefetch,
                drain_seconds=settings.shutdown_seconds,
            )
            yield Running(
                None,
                checks={
                    "redis": redis.ping,
                    "broker": publisher.ping,
                    "database": lambda: ping(engine),
                },
                tasks={
                    "consumer": consumer.run,
                    "mail": mail_consumer.run,
                    "periodic": Periodic(sessions, JOBS).run,
                },
            )
            await publisher.close()

    return build_app("notifier", start)
