"""A file that comes by tus becomes a document, however many requests it takes."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from common.database import Sessions
from common.storage import Storage
from contracts import DocumentUploaded, Event
from documents.uploads.models import Upload, UploadPart
from tus_client import TusClient, metadata, random_pdf

MIB = 1 << 20
Recorded = Callable[[type[Event]], Awaitable[list[dict[str, Any]]]]


@pytest.fixture
def tus(client: httpx.AsyncClient) -> TusClient:
    return TusClient(client)


@pytest.mark.parametrize(
    "cuts",
    [
        (100,),
        (5 * MIB - 1,),
        (5 * MIB,),
        (8 * MIB - 1, 8 * MIB, 8 * MIB + 1),
        (1, 1023, 1024, 6 * MIB, 16 * MIB, 17 * MIB),
        (),
    ],
)
async def test_in_as_many_requests_as_one_likes(
    *,
    tus: TusClient,
    client: httpx.AsyncClient,
    storage: Storage,
    sessions: Sessions,
    recorded: Recorded,
    cuts: tuple[int, ...],
) -> None:
    data = random_pdf(18 * MIB + 5, seed=len(cuts) * 1000 + sum(cuts))
    path = await tus.begin(len(data), filename="Müller & Söhne.pdf", language="de", tags="a,b")
    for begin, end in zip((0, *cuts), (*cuts, len(data)), strict=True):
        answer = await tus.patch(path, begin, data[begin:end])
        assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(end)), answer.text
    document_id = answer.headers["x-document-id"]

    document = (await client.get(f"/documents/{document_id}")).json()
    assert document["filename"] == "Müller & Söhne.pdf"
    assert (document["language"], document["tags"]) == ("de", ["a", "b"])
    assert document["file_hash"] == hashlib.sha256(data).hexdigest()
    assert document["file_size"] == len(data)
    assert (await client.get(f"/documents/{document_id}/download")).content == data
    assert [event["document_id"] for event in await recorded(DocumentUploaded)] == [document_id]
    head = await tus.head(path)
    assert head.headers["x-document-id"] == document_id
    assert head.headers["upload-offset"] == head.headers["upload-length"] == str(len(data))
    upload_id = UUID(path.rpartition("/")[2])
    assert [batch async for batch in storage.objects(f"uploads/{upload_id}/")] == []
    async with sessions() as session:
        parts = sa.select(sa.func.count()).where(UploadPart.upload_id == upload_id)
        assert await session.scalar(parts) == 0
        assert (await session.get_one(Upload, upload_id)).leased_until is None


async def test_creation_brings_the_first_bytes(tus: TusClient) -> None:
    data = random_pdf(3000, seed=1)
    answer = await tus.create(len(data), data=data[:2000])
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, "2000")

    answer = await tus.patch(answer.headers["location"].removeprefix("/api/v1"), 2000, data[2000:])
    assert answer.status_code == 204
    assert "x-document-id" in answer.headers


async def test_creation_brings_all(tus: TusClient, client: httpx.AsyncClient) -> None:
    data = random_pdf(3000, seed=2)
    answer = await tus.create(len(data), data=data, Upload_Metadata=metadata(name="a.pdf"))
    assert answer.status_code == 201
    document = (await client.get(f"/documents/{answer.headers['x-document-id']}")).json()
    assert (document["title"], document["file_size"]) == ("a", 3000)
