"""The composition root: every part is made here, and nothing exists before."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from functools import partial

from common.app import Running, build_app
from common.broker import Publisher
from common.consumer import Consumer
from common.database import open_database, ping
from common.denylist import DenyList
from common.outbox import Relay
from common.periodic import Periodic
from common.redis import NEVER, open_redis
from common.security import TokenVerifier
from common.storage import Storage
from fastapi import FastAPI

from auth import housekeeping
from auth.accounts import api as accounts
from auth.api_keys import api as api_keys
from auth.audit import api as audit
from auth.consumers import LINKS, REPORTS, link_handlers, report_handlers
from auth.keyring import api as keyring
from auth.keyring.keyring import Keyring
from auth.mfa import api as mfa
from auth.pages import api as pages
from auth.passwords.hashing import Passwords, hashing_threads
from auth.reports import api as reports
from auth.reports.maker import ReportMaker
from auth.resources import Resources
from auth.revocations.relay import RevocationRelay
from auth.roles import api as roles
from auth.sessions import api as sessions_api
from auth.sessions.cookies import CsrfTokens
from auth.sessions.throttle import Throttle
from auth.sessions.tokens import TokenSigner
from auth.settings import ApiSettings, WorkerSettings
from auth.users import api as users

ROUTERS = [
    accounts.router,
    sessions_api.router,
    mfa.router,
    api_keys.router,
    api_keys.internal,
    users.router,
    roles.router,
    audit.router,
    reports.router,
    keyring.router,
    pages.router,
]


def create_api(settings: ApiSettings) -> FastAPI:
    """Build the process that answers requests."""
    database_url = settings.database_url.get_secret_value()
    names = {"issuer": settings.token_issuer, "audience": settings.token_audience}

    @asynccontextmanager
    async def start() -> AsyncIterator[Running]:
        async with (
            open_database(database_url) as (engine, sessions),
            aclosing(open_redis(settings)) as redis,
            aclosing(open_redis(settings, NEVER)) as follower,
        ):
            keys = Keyring(sessions, settings.vault)
            await keys.open()
            denylist = DenyList(follower)
            await denylist.open()
            tokens = TokenVerifier(keys.fetch_public, **names, denylist=denylist)
            revocations = RevocationRelay(database_url=database_url, sessions=sessions, redis=redis)
            storage = Storage(settings)
            with hashing_threads(settings.hashing_threads) as threads:
                resources = Resources(
                    sessions=sessions,
                    keys=keys,
                    signer=TokenSigner(
                        keys, **names, access_token_seconds=settings.access_token_seconds
                    ),
                    tokens=tokens,
                    passwords=Passwords(
                        threads,
                        memory_kib=settings.argon2_memory_kib,
                        rounds=settings.argon2_rounds,
                    ),
                    policy=settings.password_policy,
                    throttle=Throttle(redis),
                    storage=storage,
                    vault=settings.vault,
                    seal=settings.seal,
                    csrf=CsrfTokens(settings.key_encryption_key.get_secret_value().encode()),
                    session_lifetime=timedelta(seconds=settings.session_seconds),
                    session_idle=timedelta(seconds=settings.session_idle_seconds),
                )
                yield Running(
                    resources,
                    checks={"database": lambda: ping(engine), "redis": redis.ping},
                    tasks={
                        "keys": partial(keys.run, on_reload=tokens.refresh),
                        "denylist": denylist.run,
                        "revocations": revocations.run,
                    },
                )
                storage.close()

    return build_app("auth", start, routers=ROUTERS)


def create_worker(settings: WorkerSettings) -> FastAPI:
    """Build the process that sends events, mails links, makes reports and cleans up."""
    amqp_url = settings.amqp_url.get_secret_value()
    database_url = settings.database_url.get_secret_value()

    @asynccontextmanager
    async def start() -> AsyncIterator[Running]:
        async with open_database(database_url) as (engine, sessions):
            storage = Storage(settings)
            publisher = Publisher(amqp_url)
            relay = Relay(database_url=database_url, sessions=sessions, publisher=publisher)
            links = Consumer(
                amqp_url,
                LINKS,
                link_handlers(sessions, settings.seal),
                prefetch=settings.prefetch,
                drain_seconds=settings.shutdown_seconds,
            )
            maker = ReportMaker(sessions, storage)
            reports_consumer = Consumer(
                amqp_url,
                REPORTS,
                report_handlers(maker),
                prefetch=1,
                drain_seconds=settings.shutdown_seconds,
                give_up=maker.give_up,
            )
            jobs = housekeeping.jobs(
                vault=settings.vault,
                storage=storage,
                audit_kept=timedelta(days=settings.audit_days),
                key_max_age=timedelta(days=settings.signing_key_days),
            )
            yield Running(
                None,
                checks={"database": lambda: ping(engine), "broker": publisher.ping},
                tasks={
                    "relay": relay.run,
                    "links": links.run,
                    "reports": reports_consumer.run,
                    "housekeeping": Periodic(sessions, jobs).run,
                },
            )
            await publisher.close()
            storage.close()

    return build_app("auth", start)
