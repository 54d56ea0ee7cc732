"""What lies in object storage and belongs to nothing is removed."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from chunked_files import CHUNK, ChunkedFile
from common.database import Sessions, transaction
from common.storage import Storage
from documents.sweeping import sweep, sweep_multiparts
from documents.uploads.models import Kind, Upload
from kept_documents import Kept

Deliver = Callable[..., Coroutine[Any, Any, None]]


@pytest.fixture
async def kept(
    document: dict[str, Any], sessions: Sessions, storage: Storage, deliver: Deliver
) -> Kept:
    return await Kept.read(document, sessions, storage, deliver)


async def test_objects_that_belong_to_nothing_are_swept(
    kept: Kept, sessions: Sessions, storage: Storage
) -> None:
    orphans = f"originals/{uuid4()}", f"results/{uuid4()}/1.json", f"uploads/{uuid4()}/1/x"
    for key in (*orphans, "originals/of-another-kind"):
        await storage.put(key, b"x", content_type="text/plain")

    async with transaction(sessions) as session:
        await sweep(session, storage)
        assert all([await storage.exists(key) for key in orphans]), "they may only be early"
        await sweep(session, storage, older_than=timedelta(seconds=-5))

    assert not any([await storage.exists(key) for key in orphans])
    assert await storage.exists("originals/of-another-kind")
    assert len(await kept.objects()) == 3


async def test_what_an_upload_has_stays(
    client: httpx.AsyncClient, sessions: Sessions, storage: Storage
) -> None:
    file = await ChunkedFile.begin(client, size=2 * CHUNK)
    await file.put_all()
    early = f"originals/{file.id}"  # as when its completion was killed
    await storage.put(early, file.data, content_type="application/pdf")

    async with transaction(sessions) as session:
        await sweep(session, storage, older_than=timedelta(seconds=-5))

    assert await storage.exists(early)
    assert (await file.complete()).status_code == 201


async def test_parts_that_nobody_will_complete_are_swept(
    sessions: Sessions, storage: Storage, user_id: UUID
) -> None:
    known, unknown, chunk = (
        f"originals/{uuid4()}",
        f"originals/{uuid4()}",
        f"uploads/{uuid4()}/1/x",
    )
    begun = {
        key: await storage.multiparts.begin(key, content_type="application/pdf")
        for key in (known, unknown, chunk)
    }
    async with transaction(sessions) as session:
        session.add(
            Upload(
                user_id=user_id,
                kind=Kind.TUS,
                filename="a.pdf",
                fields={},
                length=1,
                multipart=begun[known],
                expires_at=datetime.now(UTC) + timedelta(hours=1),
            )
        )

    async def unfinished() -> set[str]:
        found = [
            each.key
            for folder in ("originals/", "uploads/")
            async for each in storage.multiparts.unfinished(folder)
        ]
        return set(found) & {known, unknown, chunk}

    async with transaction(sessions) as session:
        await sweep_multiparts(session, storage)
        assert await unfinished() == {known, unknown, chunk}, "they may be under way"
        await sweep_multiparts(session, storage, older_than=timedelta(seconds=-5))
    assert await unfinished() == {known}
    await storage.multiparts.abort(known, begun[known])
