"""What the frame's tests share: a database with the frame's tables, and a publisher."""

from collections.abc import AsyncIterator

import pytest
from common.broker import Publisher
from common.database import Sessions, frame_metadata, open_database
from common.testing import MakeDatabase
from sqlalchemy.ext.asyncio import AsyncEngine


@pytest.fixture(scope="session")
async def database(make_database: MakeDatabase) -> AsyncIterator[tuple[str, AsyncEngine, Sessions]]:
    url = await make_database(None)
    async with open_database(url) as (engine, sessions):
        async with engine.begin() as connection:
            await connection.run_sync(frame_metadata.create_all)
        yield url, engine, sessions


@pytest.fixture
async def sessions(database: tuple[str, AsyncEngine, Sessions]) -> Sessions:
    _, engine, sessions = database
    async with engine.begin() as connection:
        for table in frame_metadata.sorted_tables:
            await connection.execute(table.delete())
    return sessions


@pytest.fixture
async def publisher(amqp_url: str) -> AsyncIterator[Publisher]:
    publisher = Publisher(amqp_url)
    yield publisher
    await publisher.close()
