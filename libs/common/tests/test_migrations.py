"""Replicas that start together migrate once."""

import asyncio
import textwrap
from pathlib import Path

import asyncpg
from common import migrations
from common.testing import MakeDatabase

FIRST = textwrap.dedent("""
    import sqlalchemy as sa
    from alembic import op

    revision = "1"
    down_revision = None


    def upgrade():
        op.create_table("things", sa.Column("id", sa.Integer, primary_key=True))
        op.execute("INSERT INTO things VALUES (1)")
""")
ENVIRONMENT = textwrap.dedent("""
    import sqlalchemy as sa
    from common.migrations import configure_environment

    configure_environment(sa.MetaData())
""")


async def test_concurrent_upgrades_run_each_migration_once(
    make_database: MakeDatabase, tmp_path: Path
) -> None:
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "first.py").write_text(FIRST)
    (tmp_path / "env.py").write_text(ENVIRONMENT)
    url = await make_database(None)

    await asyncio.gather(*(asyncio.to_thread(migrations.upgrade, url, tmp_path) for _ in range(4)))

    connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    try:
        assert await connection.fetchval("SELECT count(*) FROM things") == 1
    finally:
        await connection.close()
