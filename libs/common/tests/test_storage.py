"""Objects on a real S3 server."""

import hashlib
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from common.errors import Unavailable
from common.settings import StorageSettings
from common.storage import PART_BYTES, ObjectMissing, Storage


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
