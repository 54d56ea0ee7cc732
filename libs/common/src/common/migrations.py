"""Migrations: Alembic, under a lock, so that replicas that start together migrate once."""

import asyncio
from pathlib import Path

import sqlalchemy as sa
from alembic import command, context
from alembic.config import Config
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from common.database import frame_metadata

_LOCK = 7_305_201  # any number, the same in every service: each has a database of its own


def upgrade(url: str, migrations: Path, *, revision: str = "head") -> None:
    """Bring the database to a revision; whoever comes second waits and finds nothing to do."""
    asyncio.run(_run(url, migrations, revision))


def configure_environment(metadata: sa.MetaData) -> None:
    """Do the work of a service's `env.py`; the connection comes from `upgrade`."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=[metadata, frame_metadata],
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _run(url: str, migrations: Path, revision: str) -> None:
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            await connection.execute(sa.select(sa.func.pg_advisory_lock(_LOCK)))
            await connection.commit()
            await connection.run_sync(_upgrade, migrations, revision)
            await connection.commit()
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, migrations: Path, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
