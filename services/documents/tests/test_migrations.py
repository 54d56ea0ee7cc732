"""The schema that the migrations make is the schema that the models describe."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from common.database import frame_metadata, naming
from documents.base import Base
from sqlalchemy import MetaData
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine


async def test_models_and_migrations_agree(database_url: str) -> None:
    together = MetaData(naming_convention=naming)

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        for table in frame_metadata.tables.values():
            table.to_metadata(together)
        for table in Base.metadata.tables.values():
            table.to_metadata(together)
        return list(compare_metadata(context, together))

    engine = create_async_engine(database_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()
