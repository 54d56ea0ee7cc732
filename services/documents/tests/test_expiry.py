"""Uploads that were not finished in time are removed; those that were are forgotten."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from chunked_files import CHUNK, ChunkedFile
from common.database import Sessions, transaction
from common.storage import Storage
from common.testing import eventually
from documents.uploads.expiry import forget_expired
from documents.uploads.models import Kind, Upload, UploadPart
from documents.uploads.quota import usage

Slug = Callable[[httpx.Response], str]


async def expire(sessions: Sessions, upload_id: str | UUID) -> None:
    async with transaction(sessions) as session:
        mine = sa.update(Upload).where(Upload.id == UUID(str(upload_id)))
        await session.execute(mine.values(expires_at=sa.func.now()))


async def is_known(sessions: Sessions, upload_id: str | UUID) -> bool:
    async with sessions() as session:
        return await session.get(Upload, UUID(str(upload_id))) is not None


async def pieces(storage: Storage, upload_id: str | UUID) -> list[str]:
    folder = f"uploads/{upload_id}/"
    return [each.key async for batch in storage.objects(folder) for each in batch]


async def test_what_has_expired_is_removed_and_the_rest_stays(
    client: httpx.AsyncClient, sessions: Sessions, storage: Storage, user_id: UUID, slug: Slug
) -> None:
    old, young = [await ChunkedFile.begin(client, size=2 * CHUNK) for _ in range(2)]
    for file in (old, young):
        await file.put_all()
    early = f"originals/{old.id}"  # as when its completion was killed
    await storage.put(early, old.data, content_type="application/pdf")
    await expire(sessions, old.id)
    await forget_expired(sessions, storage)

    assert not await is_known(sessions, old.id)
    assert await pieces(storage, old.id) == []
    assert not await storage.exists(early)
    gone = await old.complete()
    assert (gone.status_code, slug(gone)) == (404, "upload-not-found")
    assert len(await pieces(storage, young.id)) == 2
    async with sessions() as session:
        kept = sa.select(usage.c.documents, usage.c.bytes).where(usage.c.user_id == user_id)
        assert (await session.execute(kept)).one() == (1, 2 * CHUNK), "its room is free again"
        assert await session.scalar(sa.select(UploadPart).filter_by(upload_id=UUID(old.id))) is None


async def test_what_has_become_a_document_is_only_forgotten(
    client: httpx.AsyncClient, sessions: Sessions, storage: Storage
) -> None:
    file = await ChunkedFile.begin(client, size=CHUNK)
    await file.put_all()
    document = (await file.complete()).json()
    left_over = f"uploads/{file.id}/1/x"
    await storage.put(left_over, b"x", content_type="text/plain")
    await forget_expired(sessions, storage)
    assert await is_known(sessions, file.id), "so that it can be completed again"

    await expire(sessions, file.id)
    await forget_expired(sessions, storage)
    assert not await is_known(sessions, file.id)
    assert not await storage.exists(left_over)
    path = f"/documents/{document['id']}/download"
    assert (await client.get(path)).content == file.data


async def keep_upload(sessions: Sessions, user_id: UUID, **values: object) -> UUID:
    """Put an upload in parts into the database that expired a moment ago."""
    upload = Upload(
        id=uuid4(),
        user_id=user_id,
        kind=Kind.TUS,
        filename="a.pdf",
        fields={},
        length=10,
        expires_at=datetime.now(UTC) - timedelta(seconds=1),
        **values,
    )
    async with transaction(sessions) as session:
        session.add(upload)
    return upload.id


@pytest.mark.parametrize("exists", [True, False])
async def test_parts_are_discarded_whether_they_are_there_or_not(
    sessions: Sessions, storage: Storage, user_id: UUID, exists: bool
) -> None:
    key = f"originals/{uuid4()}"
    multipart = await storage.multiparts.begin(key, content_type="application/pdf")
    upload_id = await keep_upload(sessions, user_id, multipart=multipart)
    await storage.multiparts.abort(key, multipart)
    if exists:
        key = f"originals/{upload_id}"
        multipart = await storage.multiparts.begin(key, content_type="application/pdf")
        async with transaction(sessions) as session:
            (await session.get_one(Upload, upload_id)).multipart = multipart
    await forget_expired(sessions, storage)

    assert not await is_known(sessions, upload_id)
    assert [each async for each in storage.multiparts.unfinished(key)] == []


async def test_nothing_is_taken_from_whoever_works_on_it(
    sessions: Sessions, storage: Storage, user_id: UUID
) -> None:
    until = datetime.now(UTC) + timedelta(minutes=1)
    upload_id = await keep_upload(sessions, user_id, leased_until=until)
    await forget_expired(sessions, storage)
    assert await is_known(sessions, upload_id)

    async with transaction(sessions) as session:
        (await session.get_one(Upload, upload_id)).leased_until = None
    await forget_expired(sessions, storage)
    assert not await is_known(sessions, upload_id)


async def test_what_is_locked_is_passed_over(
    sessions: Sessions, storage: Storage, user_id: UUID
) -> None:
    locked, free = [await keep_upload(sessions, user_id) for _ in range(2)]
    async with transaction(sessions) as session:
        await session.get_one(Upload, locked, with_for_update=True)
        await forget_expired(sessions, storage)

    assert (await is_known(sessions, locked), await is_known(sessions, free)) == (True, False)


async def test_the_worker_forgets_them(sessions: Sessions, user_id: UUID, worker: str) -> None:
    assert worker, "it looks when it starts"
    upload_id = await keep_upload(sessions, user_id)

    async def is_gone() -> bool:
        return not await is_known(sessions, upload_id)

    await eventually(is_gone)
