"""A connection that is cut anywhere costs nothing that had arrived, and the file is intact."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from random import Random
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from common.database import Sessions
from common.parts import PART_BYTES
from common.testing import TokenIssuer, eventually
from documents.tus import lease
from documents.uploads.models import Upload
from tus_client import CutClient, TusClient, random_pdf

pytestmark = pytest.mark.campaign

MIB = 1 << 20
LENGTH = 2 * PART_BYTES + 100_000
LOST = (64 + 256) << 10
"""What uvicorn has read and drops when it sees the end first: its buffer, and one more read."""
_LEAST = 5 * MIB
EDGES = sorted(
    {
        edge + step
        for edge in (0, 1024, _LEAST, PART_BYTES, PART_BYTES + _LEAST, 2 * PART_BYTES, LENGTH)
        for step in (-1, 0, 1)
        if 0 <= edge + step <= LENGTH
    }
    | {1}
)


@pytest.fixture
def tus(client: httpx.AsyncClient) -> TusClient:
    return TusClient(client)


@pytest.fixture
def cutter(api_url: str, issuer: TokenIssuer, user_id: UUID) -> CutClient:
    return CutClient(api_url, issuer.headers(user_id))


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
@pytest.mark.parametrize("after", EDGES)
async def test_at_every_edge(
    tus: TusClient, client: httpx.AsyncClient, cutter: CutClient, after: int, reset: bool
) -> None:
    data = random_pdf(LENGTH, seed=2 * after + reset)
    path = await tus.begin(LENGTH)
    await cutter.cut(path, data, offset=0, after=after, reset=reset)
    offset = await tus.offset(path)
    # By RST the kernel throws away what the server has not read yet, however much that is.
    assert (0 if reset else after - LOST) <= offset <= after
    await finish(tus, client, path, data, offset)


async def test_at_random_places_again_and_again(
    tus: TusClient, client: httpx.AsyncClient, cutter: CutClient
) -> None:
    random = Random(4)
    data = random_pdf(LENGTH, seed=1)
    path = await tus.begin(LENGTH)
    offset = 0
    for _ in range(25):
        after = random.choice([random.randrange(2000), random.randrange(MIB)])
        reset = random.random() < 0.5
        await cutter.cut(path, data, offset=offset, after=after, reset=reset)
        now = await tus.offset(path)
        assert offset <= now <= offset + after
        assert reset or now >= offset + after - LOST
        offset = now
    await finish(tus, client, path, data, offset)


async def test_with_a_checksum_nothing_of_a_cut_request_counts(
    tus: TusClient, client: httpx.AsyncClient, cutter: CutClient
) -> None:
    data = random_pdf(LENGTH, seed=3)
    path = await tus.begin(LENGTH)
    checksum = "sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk="
    _, writer = await cutter.patch(path, 0, length=LENGTH, Upload_Checksum=checksum)
    writer.write(data[: 9 * MIB])
    await writer.drain()
    writer.close()
    assert await tus.offset(path) == 0
    await finish(tus, client, path, data, 0)


async def test_a_half_open_connection_does_not_keep_its_client_from_going_on(
    tus: TusClient, client: httpx.AsyncClient, cutter: CutClient
) -> None:
    """The client is gone without a word; it asks again, and its bytes are there."""
    data = random_pdf(LENGTH, seed=5)
    path = await tus.begin(LENGTH)
    reader, writer = await cutter.patch(path, 0, length=LENGTH)
    writer.write(data[: 3 * MIB])
    await writer.drain()

    assert await asyncio.wait_for(tus.offset(path), 5) == 3 * MIB
    answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 423 ")
    assert b"upload-taken-over" in await reader.readuntil(b"}")
    writer.close()
    await finish(tus, client, path, data, 3 * MIB)


async def test_a_client_that_sends_nothing_any_more_is_let_go(
    tus: TusClient,
    cutter: CutClient,
    sessions: Sessions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lease, "_STALLED_SECONDS", 0.5)
    path = await tus.begin(LENGTH)
    reader, writer = await cutter.patch(path, 0, length=LENGTH)
    writer.write(random_pdf(5000, seed=6))
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    assert answer.startswith(b"HTTP/1.1 408 ")
    writer.close()
    async with sessions() as session:
        upload = await session.get_one(Upload, UUID(path.rpartition("/")[2]))
    assert (upload.received, upload.leased_until) == (5000, None)


async def test_a_cut_creation_leaves_nothing(
    client: httpx.AsyncClient, sessions: Sessions, user_id: UUID
) -> None:
    """Its client does not know where it would go on."""

    async def body() -> AsyncIterator[bytes]:
        yield random_pdf(2000, seed=7)
        raise ConnectionError("the cable is pulled")

    headers = {"Upload-Length": "3000", "Content-Type": "application/offset+octet-stream"}
    tus = TusClient(client)
    with pytest.raises(ConnectionError):
        await client.post("/uploads", headers=headers, content=body())
    assert tus is not None

    async def nothing() -> bool:
        count = sa.select(sa.func.count()).where(Upload.user_id == user_id)
        async with sessions() as session:
            return await session.scalar(count) == 0

    assert await eventually(nothing)


async def finish(
    tus: TusClient, client: httpx.AsyncClient, path: str, data: bytes, offset: int
) -> None:
    """Send the rest, if there is any, and see that the document has the file's bytes."""
    if offset < len(data):
        assert (await tus.patch(path, offset, data[offset:])).status_code == 204
    document_id = (await tus.head(path)).headers["x-document-id"]
    document = (await client.get(f"/documents/{document_id}")).json()
    assert document["file_hash"] == hashlib.sha256(data).hexdigest()
    stored = (await client.get(f"/documents/{document_id}/download")).content
    assert hashlib.sha256(stored).hexdigest() == document["file_hash"]
