"""The documents service as its neighbours see it: HTTP on one side, events on the other."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import UUID, uuid4

import documents
import httpx
import pytest
from common.database import Sessions, frame_metadata, open_database
from common.settings import StorageSettings
from common.testing import MakeDatabase, TokenIssuer, serving
from documents.app import create_api
from documents.settings import ApiSettings

MIGRATIONS = Path(documents.__file__).parent / "migrations"
PDF = b"%PDF-1.7\n" + b"0" * 2000


@pytest.fixture(scope="session")
async def database_url(make_database: MakeDatabase) -> str:
    return await make_database(MIGRATIONS)


@pytest.fixture
async def sessions(database_url: str) -> AsyncIterator[Sessions]:
    async with open_database(database_url) as (engine, sessions):
        async with engine.begin() as connection:
            for table in frame_metadata.sorted_tables:
                await connection.execute(table.delete())
        yield sessions


@pytest.fixture(scope="session")
def settings(
    database_url: str, storage_settings: StorageSettings, issuer: TokenIssuer
) -> ApiSettings:
    return ApiSettings.model_validate(
        {
            **storage_settings.model_dump(),
            "port": 0,
            "database_url": database_url,
            "jwks_url": issuer.jwks_url,
            "max_file_bytes": 20 << 20,
        }
    )


@pytest.fixture(scope="session")
async def api_url(settings: ApiSettings) -> AsyncIterator[str]:
    async with serving(create_api(settings)) as url:
        yield f"{url}/api/v1"


@pytest.fixture
async def sign_in(
    api_url: str, issuer: TokenIssuer
) -> AsyncIterator[Callable[[UUID], httpx.AsyncClient]]:
    """Make clients that are signed in as some user."""
    clients: list[httpx.AsyncClient] = []

    def make(user_id: UUID) -> httpx.AsyncClient:
        client = httpx.AsyncClient(base_url=api_url, headers=issuer.headers(user_id))
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def user_id() -> UUID:
    return uuid4()


@pytest.fixture
def client(sign_in: Callable[[UUID], httpx.AsyncClient], user_id: UUID) -> httpx.AsyncClient:
    return sign_in(user_id)


@pytest.fixture
def new_file() -> Callable[[], bytes]:
    """Make small files that nobody has uploaded before."""
    return lambda: PDF + uuid4().bytes
