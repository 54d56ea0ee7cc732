"""Search comes to a database that is in use, and whose owner is nobody special."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import documents
import pytest
from common import migrations
from yarl import URL

MIGRATIONS = Path(documents.__file__).parent / "migrations"


@pytest.fixture
async def owned_url(infrastructure: Any) -> AsyncIterator[str]:
    """Return the URL of an empty database, as a role that owns it and may do nothing else."""
    name, admin = f"owner_{uuid4().hex}", await asyncpg.connect(infrastructure.postgres_url)
    await admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'owner'")
    await admin.execute(f"CREATE DATABASE {name} OWNER {name}")
    url = URL(infrastructure.postgres_url).with_user(name).with_password("owner")
    yield str(url.with_path(f"/{name}"))
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.execute(f"DROP ROLE {name}")
    await admin.close()


async def test_what_was_there_before_is_indexed(owned_url: str) -> None:
    url = owned_url.replace("postgresql://", "postgresql+asyncpg://")
    await asyncio.to_thread(migrations.upgrade, url, MIGRATIONS, revision="20261121_180000")
    connection = await asyncpg.connect(owned_url)
    document_id, job_id = uuid4(), uuid4()
    await connection.execute(
        """
        INSERT INTO documents (id, user_id, title, description, filename, mime_type, file_size,
            file_hash, object_key, language, tags, metadata, created_at, updated_at)
        VALUES ($1, $2, 'Häuser', '', 'Plan.pdf', '', 1, '', '', 'deu+eng', '{Bau}',
            '{"a": {"b": ["Keller", 7]}}', now(), now())
        """,
        document_id,
        uuid4(),
    )
    await connection.execute(
        """
        INSERT INTO jobs (id, document_id, status, pages_done, pages_failed, created_at)
        VALUES ($1, $2, 'processing', 1, 1, now())
        """,
        job_id,
        document_id,
    )
    await connection.execute(
        """
        INSERT INTO pages (job_id, number, source, chars, result_key)
        VALUES ($1, 1, 'ocr', 4, 'results/1'), ($1, 2, 'failed', 0, NULL)
        """,
        job_id,
    )

    await asyncio.to_thread(migrations.upgrade, url, MIGRATIONS)

    (text,) = await connection.fetch("SELECT page, language, search::text FROM search_texts")
    assert tuple(text) == (0, "de", "'7':6C 'bau':4B 'haus':1A 'kell':5C 'pdf':3B 'plan':2B")
    waiting = await connection.fetch("SELECT page, due_at <= now() AS due FROM search_backlog")
    assert [tuple(page) for page in waiting] == [(1, True)]
    await connection.close()
