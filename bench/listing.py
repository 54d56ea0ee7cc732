"""What a page of the feed costs: the first and one deep inside, among few and among many documents.

    python bench/listing.py [rounds]

Makes two databases on the servers that TEST_POSTGRES_URL names, or those of a running suite, and
drops them afterwards. Every round asks each case once, in an order that changes, so that whatever
else the machine does meets all of them. A deep page begins somewhere else every time.
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import documents
import structlog
from common import migrations
from common.database import Sessions, open_database, plain_url, transaction
from common.pagination import PageRequest
from common.testing import TokenIssuer, serving
from documents.app import create_api
from documents.listing.cursor import Cursor
from documents.listing.parameters import FeedRequest, ListRequest
from documents.listing.service import ListingService
from documents.listing.sorting import parse_sort
from documents.models import Document
from documents.settings import ApiSettings
from fastapi import FastAPI
from native.stack import Stack
from yarl import URL

SIZES = (1_000, 1_000_000)
USERS = 5
USER = UUID(int=1)
START = datetime(2020, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=1)
LIMIT = 20
TARGET = 1.5

# The documents of all users lie mixed, as they come. Triggers, which fill the index of the full
# text search, are left out: a list does not read it, and a million of them take half an hour.
FILL = (
    "SET session_replication_role = replica",
    """INSERT INTO documents (id, user_id, title, description, filename, mime_type, file_size,
        file_hash, object_key, document_type, tags, created_at, updated_at)
    SELECT gen_random_uuid(), lpad(to_hex(n % {users} + 1), 32, '0')::uuid, 'Document ' || n,
        repeat('What it is about. ', 5), n || '.pdf', 'application/pdf', n, md5(n::text),
        'originals/' || n, (ARRAY['invoice', 'letter'])[n % 2 + 1], ARRAY['tag ' || n % 50],
        '{start}'::timestamptz + n * interval '1 minute', now()
    FROM generate_series(1, {size}) AS n""",
    """INSERT INTO jobs (id, document_id, status, pages_total, pages_done, pages_failed, created_at)
    SELECT gen_random_uuid(), id, 'completed', 3, 3, 0, created_at FROM documents""",
    "VACUUM ANALYZE documents, jobs",
)

Ask = Callable[[], Awaitable[int]]


async def main(rounds: int) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        issuer = TokenIssuer()
        keys = FastAPI()
        keys.get("/jwks.json")(lambda: issuer.jwks)
        issuer.jwks_url = f"{await stack.enter_async_context(serving(keys))}/jwks.json"
        cases: dict[str, dict[int, Ask]] = {}
        for size in SIZES:
            url = await stack.enter_async_context(database(size))
            _, sessions = await stack.enter_async_context(open_database(url))
            api = await stack.enter_async_context(serving(create_api(settings(url, issuer))))
            asks = by_service(sessions, size) | by_http(http, api, issuer, size)
            for name, ask in asks.items():
                cases.setdefault(name, {})[size] = ask
        report(await measure(cases, rounds))


@asynccontextmanager
async def database(size: int) -> AsyncIterator[str]:
    """Make a database of so many documents; yield its URL."""
    servers = URL(os.environ.get("TEST_POSTGRES_URL") or Stack("dev").url("postgres"))
    name = f"bench_{uuid4().hex}"
    url = str(servers.with_scheme("postgresql+asyncpg").with_path(f"/{name}"))
    await execute(str(servers), f"CREATE DATABASE {name}")
    try:
        scripts = Path(documents.__file__).parent / "migrations"
        await asyncio.to_thread(migrations.upgrade, url, scripts)
        started = time.perf_counter()
        statements = (s.format(users=USERS, start=START.isoformat(), size=size) for s in FILL)
        await execute(plain_url(url), *statements)
        print(f"{size:,} documents of {USERS} users in {time.perf_counter() - started:.0f} s")
        yield url
    finally:
        await execute(str(servers), f"DROP DATABASE {name} WITH (FORCE)")


async def execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(plain_url(url))
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


def somewhere_deep(size: int) -> Cursor:
    """Return a place behind the newer half of all documents."""
    return Cursor(START + random.randrange(USERS * LIMIT * 2, size // 2) * STEP, UUID(int=0))


def by_service(sessions: Sessions, size: int) -> dict[str, Ask]:
    """Return the cases without HTTP: a transaction, the query, the objects."""
    in_sight = [Document.deleted_at.is_(None)]

    async def feed(after: Cursor | None) -> int:
        async with transaction(sessions) as session:
            request = FeedRequest(in_sight, after, LIMIT)
            shown, more = await ListingService(session).feed(USER, request)
            assert more
        return len(shown)

    async def page() -> int:
        async with transaction(sessions) as session:
            request = ListRequest(in_sight, parse_sort("-created_at"), PageRequest(1, LIMIT))
            shown, _ = await ListingService(session).list(USER, request)
        return len(shown)

    return {
        "feed, first page": lambda: feed(None),
        "feed, deep page": lambda: feed(somewhere_deep(size)),
        "list, page 1 (it counts)": page,
    }


def by_http(
    http: aiohttp.ClientSession, api: str, issuer: TokenIssuer, size: int
) -> dict[str, Ask]:
    """Return the cases as a client of the service meets them."""
    headers = issuer.headers(USER)

    async def feed(after: Cursor | None) -> int:
        parameters = {"cursor": after.encode()} if after else {}
        url = f"{api}/api/v1/documents/feed"
        async with http.get(url, params=parameters, headers=headers) as response:
            response.raise_for_status()
            return len((await response.json())["items"])

    return {
        "feed, first page, HTTP": lambda: feed(None),
        "feed, deep page, HTTP": lambda: feed(somewhere_deep(size)),
    }


def settings(url: str, issuer: TokenIssuer) -> ApiSettings:
    """Return what an api process needs; no file is read here, so the storage is nowhere."""
    nowhere = {"s3_endpoint": "http://127.0.0.1:9", "s3_bucket": "none", "amqp_url": "amqp://none"}
    login = {"s3_access_key": "none", "s3_secret_key": "none"}
    addresses = {"port": 0, "database_url": url, "jwks_url": issuer.jwks_url}
    return ApiSettings.model_validate({**nowhere, **login, **addresses})


async def measure(cases: dict[str, dict[int, Ask]], rounds: int) -> dict[tuple[str, int], float]:
    """Return the median of each case and size, in milliseconds."""
    asks = [(name, size) for name, sizes in cases.items() for size in sizes]
    times: dict[tuple[str, int], list[float]] = {each: [] for each in asks}
    for number in range(-20, rounds):  # the first ones warm up
        random.shuffle(asks)
        for name, size in asks:
            started = time.perf_counter()
            assert await cases[name][size]() == LIMIT
            if number >= 0:
                times[name, size].append(1000 * (time.perf_counter() - started))
    return {each: median(measured) for each, measured in times.items()}


def report(medians: dict[tuple[str, int], float]) -> None:
    """Print the medians, and how much the larger database and the deeper page cost."""
    small, large = SIZES
    print(f"\n{'median, ms':28}{small:>12,}{large:>12,}{'ratio':>8}")
    for name in dict.fromkeys(name for name, _ in medians):
        few, many = medians[name, small], medians[name, large]
        print(f"{name:28}{few:12.2f}{many:12.2f}{many / few:8.2f}")
    for end in ("", ", HTTP"):
        depths = [
            medians[f"feed, deep page{end}", s] / medians[f"feed, first page{end}", s]
            for s in SIZES
        ]
        print(f"{'deep / first' + end:28}{depths[0]:12.2f}{depths[1]:12.2f}")
    print(f"target: no ratio of the feed above {TARGET}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
