"""The schema that the migrations make is the schema that the tables describe."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from common.database import naming
from common.inbox import inbox
from common.periodic import periodic
from sqlalchemy import MetaData
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine


async def test_tables_and_migrations_agree(database_url: str) -> None:
    wanted = MetaData(naming_convention=naming)
    for table in (inbox, periodic):  # all others of the frame belong to other services
        table.to_metadata(wanted)

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return list(compare_metadata(context, wanted))

    engine = create_async_engine(database_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()
