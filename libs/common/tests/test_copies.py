"""Copies that the S3 server makes, and URLs with which a client writes."""

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from common import copying
from common.copying import ObjectChanged
from common.settings import StorageSettings
from common.storage import ObjectMissing, Storage

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def storage(storage_settings: StorageSettings) -> AsyncIterator[Storage]:
    public = {"s3_public_endpoint": storage_settings.s3_endpoint}
    storage = Storage(storage_settings.model_copy(update=public))
    yield storage
    storage.close()


@pytest.fixture(params=[64 << 20, 6 << 20], ids=["whole", "in pieces"])
def piece_bytes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(copying, "_PIECE_BYTES", request.param)
    return int(request.param)


@pytest.mark.usefixtures("piece_bytes")
async def test_a_copy_is_the_same_and_of_another_type(storage: Storage) -> None:
    data = hashlib.shake_128(b"seed").digest(13 << 20)
    source, target = f"copies/a b+ü/{uuid4()}", f"copies/{uuid4()}"
    await storage.put(source, data, content_type="text/plain")
    state = await storage.state(source)

    facts = {"size": state.size, "etag": state.etag, "content_type": "image/png"}
    await storage.copies.copy(source, target, **facts)  # type: ignore[arg-type]
    await storage.delete(source)

    assert await storage.get(target) == data
    found = storage._client.stat_object(storage._bucket, target)
    assert found.content_type == "image/png"


@pytest.mark.usefixtures("piece_bytes")
async def test_what_has_changed_or_gone_is_not_copied(storage: Storage) -> None:
    source, target = f"copies/{uuid4()}", f"copies/{uuid4()}"
    await storage.put(source, b"1" * (7 << 20), content_type="text/plain")
    before = await storage.state(source)
    await storage.put(source, b"2" * (7 << 20), content_type="text/plain")

    async def copy() -> None:
        size, etag = before.size, before.etag
        await storage.copies.copy(source, target, size=size, etag=etag, content_type="image/png")

    with pytest.raises(ObjectChanged):
        await copy()
    await storage.delete(source)
    with pytest.raises(ObjectMissing):
        await copy()
    assert not await storage.exists(target)
    assert [each async for each in storage.multiparts.unfinished(target)] == []


async def test_a_client_writes_what_was_announced_and_nothing_else(storage: Storage) -> None:
    key = f"direct/ü +{uuid4()}"
    put = storage.public_put(key, size=10, expires=MINUTE)
    assert put is not None
    async with httpx.AsyncClient() as client:
        for refused in (b"x" * 9, b"x" * 11, b""):
            assert (await client.put(put.url, content=refused)).status_code == 403
        assert (await client.get(put.url)).status_code == 403
        other = put.url.replace("direct/", "other/")
        assert (await client.put(other, content=b"x" * 10)).status_code == 403
        assert not await storage.exists(key)

        assert (await client.put(put.url, content=b"x" * 10)).status_code == 200
    assert await storage.get(key) == b"x" * 10
    assert put.headers == {"Content-Length": "10"}


async def test_an_expired_url_writes_nothing(storage: Storage) -> None:
    key = f"direct/{uuid4()}"
    put = storage.public_put(key, size=1, expires=timedelta(seconds=-5))
    assert put is not None
    async with httpx.AsyncClient() as client:
        assert (await client.put(put.url, content=b"x")).status_code in (400, 403)
    assert not await storage.exists(key)


async def test_without_a_public_endpoint_there_is_no_url(storage_settings: StorageSettings) -> None:
    storage = Storage(storage_settings)
    assert storage.public_put("key", size=1, expires=MINUTE) is None
    storage.close()
