"""The composition root: every part is made here, and nothing exists before."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
from common.app import Running, build_app
from common.database import open_database, ping
from common.security import TokenVerifier
from fastapi import FastAPI

from auth.api import router, well_known
from auth.keys import open_keyring
from auth.passwords import Passwords
from auth.resources import Resources
from auth.settings import ApiSettings
from auth.tokens import TokenSigner


def create_api(settings: ApiSettings) -> FastAPI:
    """Build the process that answers requests."""

    @asynccontextmanager
    async def start() -> AsyncIterator[Running]:
        async with (
            open_database(settings.database_url.get_secret_value()) as (engine, sessions),
            aiohttp.ClientSession() as http,
        ):
            keys = await open_keyring(sessions, settings.key_encryption_key)
            names = {"issuer": settings.token_issuer, "audience": settings.token_audience}
            with ThreadPoolExecutor(settings.hashing_threads, "argon2") as threads:
                resources = Resources(
                    sessions=sessions,
                    keys=keys,
                    signer=TokenSigner(
                        keys, **names, access_token_seconds=settings.access_token_seconds
                    ),
                    tokens=TokenVerifier(http, jwks_url=str(settings.jwks_url), **names),
                    passwords=Passwords(
                        threads,
                        memory_kib=settings.argon2_memory_kib,
                        rounds=settings.argon2_rounds,
                    ),
                    session_lifetime=timedelta(seconds=settings.session_seconds),
                )
                yield Running(resources, checks={"database": lambda: ping(engine)})

    return build_app("auth", start, routers=[router, well_known])
