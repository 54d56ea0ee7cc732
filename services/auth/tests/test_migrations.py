"""The migrations make the schema that the models describe."""

import asyncio

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from auth.__main__ import MIGRATIONS
from auth.base import Base
from common import migrations
from common.database import frame_metadata, naming, open_database
from common.testing import MakeDatabase


async def test_migrations_run_once_and_make_what_the_models_describe(
    make_database: MakeDatabase,
) -> None:
    url = await make_database(None)
    await asyncio.gather(*(asyncio.to_thread(migrations.upgrade, url, MIGRATIONS) for _ in "123"))
    await asyncio.to_thread(migrations.upgrade, url, MIGRATIONS)

    together = sa.MetaData(naming_convention=naming)

    def differences(connection: sa.Connection) -> list[object]:
        options = {"compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        for source in (frame_metadata, Base.metadata):
            for table in source.tables.values():
                table.to_metadata(together)
        return list(compare_metadata(context, together))

    async with open_database(url) as (engine, _), engine.connect() as connection:
        assert await connection.run_sync(differences) == []
