"""How much a user may store, exactly."""

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from common.database import Sessions, transaction
from common.storage import Storage
from common.testing import TokenIssuer, serving
from documents.app import create_api
from documents.models import Document
from documents.settings import ApiSettings
from documents.uploads.models import Kind, Upload, UploadStatus
from documents.uploads.quota import usage

Usage = Callable[[], "asyncio.Future[tuple[int, int]]"]


@pytest.fixture
def stored(sessions: Sessions, user_id: UUID) -> Usage:
    """Return how many documents and bytes are counted for the user."""

    async def stored() -> tuple[int, int]:
        async with sessions() as session:
            row = await session.execute(sa.select(usage).where(usage.c.user_id == user_id))
            _, documents, size, _ = row.one()
            return documents, size

    return lambda: asyncio.ensure_future(stored())


async def test_documents_count_until_they_are_gone_for_good(
    client: httpx.AsyncClient, new_file: Callable[[], bytes], stored: Usage
) -> None:
    data = new_file()
    documents = [
        (await client.post("/documents", files={"file": ("a.pdf", data + bytes([n]))})).json()
        for n in range(2)
    ]
    assert await stored() == (2, 2 * len(data) + 2)

    await client.delete(f"/documents/{documents[0]['id']}")
    assert await stored() == (2, 2 * len(data) + 2), "the trash takes room as well"

    await client.delete(f"/documents/{documents[0]['id']}", params={"permanent": True})
    assert await stored() == (1, len(data) + 1)


async def test_an_upload_counts_while_it_is_open(
    sessions: Sessions, user_id: UUID, stored: Usage
) -> None:
    async with transaction(sessions) as session:
        upload = Upload(
            user_id=user_id,
            kind=Kind.TUS,
            filename="a.pdf",
            fields={},
            length=1000,
            expires_at=sa.func.now(),
        )
        session.add(upload)
    assert await stored() == (1, 1000)

    async with transaction(sessions) as session:
        session.add(upload)
        upload.received = 500
    assert await stored() == (1, 1000)

    async with transaction(sessions) as session:
        session.add(upload)
        upload.status = UploadStatus.COMPLETED
    assert await stored() == (0, 0)

    async with transaction(sessions) as session:
        await session.delete(upload)
    assert await stored() == (0, 0)


async def test_nobody_stores_more_than_they_may_however_many_at_once(
    settings: ApiSettings,
    issuer: TokenIssuer,
    sessions: Sessions,
    storage: Storage,
    new_file: Callable[[], bytes],
) -> None:
    user_id = uuid4()
    limited = settings.model_copy(update={"quota_documents": 3})
    async with (
        serving(create_api(limited)) as url,
        httpx.AsyncClient(base_url=f"{url}/api/v1", headers=issuer.headers(user_id)) as client,
    ):
        files = [{"file": ("a.pdf", new_file())} for _ in range(12)]
        answers = await asyncio.gather(*(client.post("/documents", files=file) for file in files))
        kept = [each for each in answers if each.status_code == 201]
        refused = [each for each in answers if each.status_code == 413]
        assert (len(kept), len(refused)) == (3, 9)
        assert refused[0].json()["type"] == "urn:quire:problem:quota-exceeded"
        assert refused[0].json()["detail"] == "You may store 3 documents."
    async with sessions() as session:
        keys = set(
            await session.scalars(sa.select(Document.object_key).where(Document.user_id == user_id))
        )
    assert len(keys) == 3
    for answer in kept:
        assert await storage.exists(f"originals/{answer.json()['id']}")


async def test_the_last_byte_fits_and_the_next_does_not(
    settings: ApiSettings, issuer: TokenIssuer, new_file: Callable[[], bytes], sessions: Sessions
) -> None:
    assert sessions, "the outbox is emptied first"
    data = new_file()
    limited = settings.model_copy(update={"quota_bytes": len(data)})
    async with (
        serving(create_api(limited)) as url,
        httpx.AsyncClient(base_url=f"{url}/api/v1", headers=issuer.headers(uuid4())) as client,
    ):
        too_long = await client.post("/documents", files={"file": ("a.pdf", data + b"0")})
        assert too_long.status_code == 413, too_long.text
        fits = await client.post("/documents", files={"file": ("a.pdf", data)})
        assert fits.status_code == 201, fits.text
