"""Objects on a real S3 server."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from common.errors import Unavailable
from common.parts import PART_BYTES
from common.settings import StorageSettings
from common.storage import ObjectMissing, Storage


@pytest.fixture
def storage(storage_settings: StorageSettings) -> Storage:
    return Storage(storage_settings)


async def chunks(data: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.mark.parametrize(
    "size",
    [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES, 2 * PART_BYTES + 7],
)
async def test_a_stream_of_any_length_comes_back_whole(storage: Storage, size: int) -> None:
    data = hashlib.shake_128(b"seed").digest(size)
    key = f"stream/{uuid4()}"

    await storage.put_stream(key, chunks(data), content_type="application/pdf")

    read = b"".join([chunk async for chunk in await storage.open(key)])
    assert hashlib.sha256(read).digest() == hashlib.sha256(data).digest()


@pytest.mark.parametrize("size", [10, 2 * PART_BYTES])
async def test_a_stream_that_breaks_leaves_nothing(storage: Storage, size: int) -> None:
    key = f"broken/{uuid4()}"

    async def breaking() -> AsyncIterator[bytes]:
        yield bytes(size)
        raise ConnectionResetError("the client is gone")

    with pytest.raises(ConnectionResetError):
        await storage.put_stream(key, breaking(), content_type="application/pdf")

    assert not await storage.exists(key)
    uploads = storage._client._list_multipart_uploads(storage._bucket, prefix=key).uploads
    assert uploads == []


async def test_a_part_of_an_object(storage: Storage) -> None:
    key = f"part/{uuid4()}"
    await storage.put(key, b"0123456789", content_type="text/plain")

    assert b"".join([c async for c in await storage.open(key, offset=3, length=4)]) == b"3456"


async def keys(storage: Storage, prefix: str) -> list[str]:
    return [each.key async for batch in storage.objects(prefix) for each in batch]


async def test_more_objects_than_fit_into_one_answer_are_listed_and_removed(
    storage: Storage,
) -> None:
    folder = f"folder/{uuid4()}"
    names = [f"{folder}/{number:04}" for number in range(1003)]
    slots = asyncio.Semaphore(16)

    async def put(name: str) -> None:
        async with slots:
            await storage.put(name, b"x", content_type="text/plain")

    await asyncio.gather(*map(put, names))
    await storage.put(f"{folder}0/1", b"x", content_type="text/plain")

    assert await keys(storage, f"{folder}/") == names
    await storage.delete_folder(f"{folder}/")
    assert await keys(storage, folder) == [f"{folder}0/1"], "a neighbour stays"
    await storage.delete_folder(f"{folder}/")


async def test_objects_are_listed_with_the_moment_of_their_change(storage: Storage) -> None:
    key = f"dated/{uuid4()}"
    await storage.put(key, b"x", content_type="text/plain")

    ((found,),) = [batch async for batch in storage.objects(key)]
    assert abs(found.modified - datetime.now(UTC)) < timedelta(minutes=1)


async def test_some_objects_are_removed_and_missing_ones_are_no_error(storage: Storage) -> None:
    folder = f"some/{uuid4()}"
    for name in "abc":
        await storage.put(f"{folder}/{name}", b"x", content_type="text/plain")

    await storage.delete_all([f"{folder}/a", f"{folder}/c", f"{folder}/d"])
    await storage.delete_all([])
    assert await keys(storage, folder) == [f"{folder}/b"]


@pytest.mark.parametrize("prefix", ["", "/", "originals", "results/1"])
async def test_what_is_no_folder_is_not_emptied(storage: Storage, prefix: str) -> None:
    with pytest.raises(ValueError, match="is no folder"):
        await storage.delete_folder(prefix)


async def test_anybody_can_fetch_what_a_public_url_leads_to(
    storage_settings: StorageSettings,
) -> None:
    public = {"s3_public_endpoint": storage_settings.s3_endpoint}
    storage = Storage(storage_settings.model_copy(update=public))
    key = f"public/{uuid4()}"
    await storage.put(key, b"content", content_type="text/plain")
    disposition = "attachment; filename=\"a b.txt\"; filename*=UTF-8''%C3%BC.txt"

    def url(method: str) -> str:
        minute = timedelta(minutes=1)
        found = storage.public_url(key, method=method, expires=minute, disposition=disposition)
        assert found is not None
        return found

    async with httpx.AsyncClient() as client:
        for method, content in (("GET", b"content"), ("HEAD", b"")):
            response = await client.request(method, url(method))
            assert (response.status_code, response.content) == (200, content)
            assert response.headers["content-disposition"] == disposition
        assert (await client.put(url("GET"), content=b"other")).status_code == 403
        assert (await client.get(url("GET").replace(key, f"{key}2"))).status_code == 403


async def test_without_a_public_endpoint_there_is_no_public_url(storage: Storage) -> None:
    minute = timedelta(minutes=1)
    assert storage.public_url("key", method="GET", expires=minute, disposition="inline") is None


async def test_what_is_not_there_is_missing(storage: Storage) -> None:
    key = f"missing/{uuid4()}"

    assert not await storage.exists(key)
    await storage.delete(key)
    with pytest.raises(ObjectMissing):
        await storage.get(key)
    with pytest.raises(ObjectMissing):
        await storage.open(key)


async def test_a_server_that_does_not_answer_is_unavailable(
    storage_settings: StorageSettings,
) -> None:
    settings = {**storage_settings.model_dump(), "s3_endpoint": "http://127.0.0.1:9"}
    storage = Storage(StorageSettings.model_validate(settings))

    with pytest.raises(Unavailable):
        await storage.ping()
