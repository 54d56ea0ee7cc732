"""A process that is killed between the last byte and the commit; what is left is mended."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from chunked_files import CHUNK, ChunkedFile
from common.database import Sessions, transaction
from common.storage import Storage
from common.testing import TokenIssuer, eventually
from contracts import DocumentUploaded, Event
from direct_files import DirectFile
from documents.settings import ApiSettings
from documents.uploads import lease
from documents.uploads.models import Upload
from pydantic import SecretStr

NewFile = Callable[[], bytes]
Recorded = Callable[[type[Event]], Awaitable[list[dict[str, Any]]]]
Slug = Callable[[httpx.Response], str]


@asynccontextmanager
async def process(settings: ApiSettings) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run a real api process; yield it and its URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    given = {
        **settings.model_dump(exclude_none=True),
        "port": port,
        "s3_public_endpoint": settings.s3_endpoint,
    }
    env = {
        f"QUIRE_{name}".upper(): str(
            value.get_secret_value() if isinstance(value, SecretStr) else value
        )
        for name, value in given.items()
    }
    api = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "documents", "api"), env={**os.environ, **env}
    )
    url = f"http://127.0.0.1:{port}"

    async def is_ready() -> bool:
        try:
            async with httpx.AsyncClient() as client:
                return (await client.get(f"{url}/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    try:
        await eventually(is_ready, within=30)
        yield api, f"{url}/api/v1"
    finally:
        if api.returncode is None:
            api.kill()
        await api.wait()


@asynccontextmanager
async def killed_before_its_commit(
    settings: ApiSettings, issuer: TokenIssuer, sessions: Sessions, storage: Storage, user_id: UUID
) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of a process that is killed when it has stored the file of an upload."""
    async with process(settings) as (api, url):
        headers = issuer.headers(user_id)
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client:
            yield client
            async with sessions() as session:
                ids = sa.select(Upload.id).where(Upload.user_id == user_id)
                upload_id = (await session.scalars(ids)).one()
            async with sessions() as session:  # so that the api waits for us with its last step
                row = sa.text("SELECT 1 FROM usage WHERE user_id = :id FOR UPDATE")
                await session.execute(row, {"id": user_id})
                kind = "chunked" if await is_chunked(sessions, upload_id) else "presigned"
                path = f"/documents/upload/{kind}/{upload_id}/complete"
                completing = asyncio.create_task(client.post(path))
                await eventually(lambda: storage.exists(f"originals/{upload_id}"))
                await eventually(lambda: is_waited_for(sessions))
                api.kill()
                await api.wait()
                with pytest.raises(httpx.TransportError):
                    await completing


async def is_chunked(sessions: Sessions, upload_id: UUID) -> bool:
    async with sessions() as session:
        return (await session.get_one(Upload, upload_id)).chunk_size is not None


async def is_waited_for(sessions: Sessions) -> bool:
    """Tell whether somebody waits for a row that we have locked."""
    waiting = sa.text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    async with sessions() as session:
        return bool(await session.scalar(waiting))


async def lapse(sessions: Sessions, upload_id: str) -> None:
    """Let the time pass after which nobody believes a dead process to be at work."""
    async with transaction(sessions) as session:
        mine = sa.update(Upload).where(Upload.id == UUID(upload_id))
        await session.execute(mine.values(leased_until=sa.func.now()))


async def test_chunks_whose_completion_was_killed_become_one_document(
    settings: ApiSettings,
    issuer: TokenIssuer,
    sessions: Sessions,
    storage: Storage,
    user_id: UUID,
    *,
    client: httpx.AsyncClient,
    recorded: Recorded,
    slug: Slug,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with killed_before_its_commit(settings, issuer, sessions, storage, user_id) as doomed:
        file = await ChunkedFile.begin(doomed, size=3 * CHUNK)
        await file.put_all()
    assert (await client.get("/documents")).json()["total"] == 0
    file = ChunkedFile(client, file.data, file.begun)
    late = await file.put(1)
    assert (late.status_code, slug(late)) == (409, "chunks-frozen")

    monkeypatch.setattr(lease, "_PATIENCE_SECONDS", 0.2)
    busy = await file.complete()
    assert (busy.status_code, slug(busy)) == (409, "upload-busy")
    assert busy.headers["retry-after"] == "2"
    given_up = await client.delete(file.path)
    assert (given_up.status_code, slug(given_up)) == (409, "upload-busy")

    await lapse(sessions, file.id)
    document = (await file.complete()).json()
    assert (await client.get(f"/documents/{document['id']}/download")).content == file.data
    assert len(await recorded(DocumentUploaded)) == 1


async def test_a_file_whose_completion_was_killed_becomes_one_document(
    settings: ApiSettings,
    issuer: TokenIssuer,
    sessions: Sessions,
    storage: Storage,
    user_id: UUID,
    *,
    client: httpx.AsyncClient,
    new_file: NewFile,
    recorded: Recorded,
    slug: Slug,
) -> None:
    async with killed_before_its_commit(settings, issuer, sessions, storage, user_id) as doomed:
        file = await DirectFile.begin(doomed, new_file())
        await file.write()
    file = DirectFile(client, file.data, file.begun)
    await lapse(sessions, file.id)

    await file.write(new_file())
    refused = await file.complete()
    assert (refused.status_code, slug(refused)) == (409, "file-replaced")
    await file.write()
    document = (await file.complete()).json()
    assert (await client.get(f"/documents/{document['id']}/download")).content == file.data
    assert len(await recorded(DocumentUploaded)) == 1
