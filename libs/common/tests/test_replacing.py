"""A stream whose key may be another's by now: it fails without taking anything away."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from common.parts import PART_BYTES
from common.settings import StorageSettings
from common.storage import Storage


@pytest.mark.parametrize("size", [10, 2 * PART_BYTES])
async def test_what_was_there_before_outlives_a_stream_that_breaks(
    storage_settings: StorageSettings, size: int
) -> None:
    storage = Storage(storage_settings)
    key = f"replaced/{uuid4()}"
    await storage.put(key, b"before", content_type="text/plain")

    async def breaking() -> AsyncIterator[bytes]:
        yield bytes(size)
        raise ConnectionResetError("the client is gone")

    with pytest.raises(ConnectionResetError):
        await storage.put_stream(key, breaking(), content_type="text/plain", is_new=False)

    assert await storage.get(key) == b"before"
    assert [each async for each in storage.multiparts.unfinished(key)] == []
    storage.close()
