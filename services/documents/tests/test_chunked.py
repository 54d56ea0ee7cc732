"""Files that come in numbered chunks: in any order, and as often as it takes."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from chunked_files import CHUNK, ChunkedFile
from common.database import Sessions, transaction
from common.storage import Storage
from contracts import DocumentUploaded, Event
from documents.uploads.models import Upload
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

Recorded = Callable[[type[Event]], Awaitable[list[dict[str, Any]]]]
SignIn = Callable[[UUID], httpx.AsyncClient]
Slug = Callable[[httpx.Response], str]


async def test_chunks_become_a_document(
    client: httpx.AsyncClient, sessions: Sessions, recorded: Recorded, storage: Storage
) -> None:
    assert sessions, "the outbox is emptied first"
    category = (await client.post("/categories", json={"name": "Letters"})).json()
    fields = {
        "title": "A letter",
        "description": "long",
        "document_type": "letter",
        "category_id": category["id"],
        "tags": ["a", "b"],
        "language": "de",
    }
    file = await ChunkedFile.begin(client, size=3 * CHUNK + 1, filename="Brief März.pdf", **fields)
    assert (file.begun["chunk_size"], file.begun["total_chunks"]) == (CHUNK, 4)

    for number in (4, 2, 1, 3):
        answer = await file.put(number)
        size = 1 if number == 4 else CHUNK
        assert answer.json() == {"upload_id": file.id, "number": number, "size": size}
    response = await file.complete()

    assert response.status_code == 201, response.text
    document = response.json()
    assert response.headers["location"] == f"/api/v1/documents/{document['id']}"
    assert {name: document[name] for name in fields} == fields
    assert document["filename"] == "Brief März.pdf"
    assert document["file_size"] == len(file.data)
    assert document["file_hash"] == hashlib.sha256(file.data).hexdigest()
    assert document["mime_type"] == "application/pdf"
    assert (await client.get(f"/documents/{document['id']}")).json() == document
    assert (await client.get(f"/documents/{document['id']}/download")).content == file.data
    announced = [event["document_id"] for event in await recorded(DocumentUploaded)]
    assert announced == [document["id"]]
    assert [batch async for batch in storage.objects(f"uploads/{file.id}/")] == []

    again = await file.complete()
    assert (again.status_code, again.json()) == (201, document)
    assert len(await recorded(DocumentUploaded)) == 1


async def test_how_far_an_upload_is(client: httpx.AsyncClient) -> None:
    file = await ChunkedFile.begin(client, size=5 * CHUNK)
    await file.put(2)
    await file.put(5)

    state = (await client.get(file.path)).json()
    assert {name: state[name] for name in ("received_chunks", "missing", "status")} == {
        "received_chunks": 2,
        "missing": [1, 3, 4],
        "status": "open",
    }
    assert state["document_id"] is None
    assert state["file_size"] == len(file.data)
    assert state["expires_at"] > file.begun["expires_at"], "each chunk prolongs it"

    await file.put_all()
    document = (await file.complete()).json()
    state = (await client.get(file.path)).json()
    assert (state["status"], state["document_id"]) == ("completed", document["id"])
    assert state["missing"] == []


async def test_of_many_missing_chunks_the_first_thousand_are_named(
    client: httpx.AsyncClient, slug: Slug
) -> None:
    file = await ChunkedFile.begin(client, size=1, file_size=10_000 * CHUNK)
    refused = await file.complete()

    assert (refused.status_code, slug(refused)) == (409, "chunks-missing")
    assert refused.json()["missing"] == list(range(1, 1001))
    assert refused.json()["detail"] == "10000 are missing."
    assert (await client.get(file.path)).json()["missing"] == list(range(1, 1001))


async def test_what_is_missing_can_still_be_sent(client: httpx.AsyncClient, slug: Slug) -> None:
    file = await ChunkedFile.begin(client, size=2 * CHUNK)
    await file.put(1)
    refused = await file.complete()
    assert (refused.status_code, slug(refused)) == (409, "chunks-missing")
    assert refused.json()["missing"] == [2]

    await file.put(2)
    assert (await file.complete()).status_code == 201


@pytest.mark.parametrize(
    ("file_size", "chunk_size", "expected"),
    [
        (1, None, (8 << 20, 1)),
        (8 << 20, None, (8 << 20, 1)),
        ((8 << 20) + 1, None, (8 << 20, 2)),
        (10_000 * CHUNK, CHUNK, (CHUNK, 10_000)),
        (5 << 30, 64 << 20, (64 << 20, 80)),
    ],
)
async def test_how_files_are_cut(
    client: httpx.AsyncClient, file_size: int, chunk_size: int | None, expected: tuple[int, int]
) -> None:
    file = await ChunkedFile.begin(client, size=1, file_size=file_size, chunk_size=chunk_size)

    assert (file.begun["chunk_size"], file.begun["total_chunks"]) == expected


async def test_a_chunk_may_come_as_a_form(client: httpx.AsyncClient) -> None:
    file = await ChunkedFile.begin(client, size=2 * CHUNK)
    for number, method in ((1, "POST"), (2, "PUT")):
        path, part = f"{file.path}/chunk/{number}", {"file": ("blob", file.chunk(number))}
        assert (await client.request(method, path, files=part)).status_code == 200

    assert (await file.complete()).json()["file_hash"] == hashlib.sha256(file.data).hexdigest()


async def test_a_chunk_that_is_sent_again_takes_the_place_of_the_first(
    client: httpx.AsyncClient, storage: Storage
) -> None:
    file = await ChunkedFile.begin(client, size=2 * CHUNK)
    wrong = await client.put(f"{file.path}/chunk/1", content=b"x" * CHUNK)
    assert wrong.status_code == 200
    await file.put_all()

    ((*found,),) = [batch async for batch in storage.objects(f"uploads/{file.id}/")]
    assert len(found) == 2, "the first try is removed"
    assert (await file.complete()).json()["file_hash"] == hashlib.sha256(file.data).hexdigest()


async def test_large_chunks_are_streamed(client: httpx.AsyncClient) -> None:
    """Of more than one part of the object storage each."""
    size = 9 << 20
    file = await ChunkedFile.begin(client, size=2 * size + 5, chunk_size=size)
    await asyncio.gather(*(file.put(number) for number in (3, 1, 2)))

    assert (await file.complete()).json()["file_hash"] == hashlib.sha256(file.data).hexdigest()


@limits(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), total=st.integers(1, 4), rest=st.integers(32, CHUNK))
async def test_in_whatever_order_and_however_often_the_file_is_the_same(
    client: httpx.AsyncClient, data: st.DataObject, total: int, rest: int
) -> None:
    file = await ChunkedFile.begin(client, size=(total - 1) * CHUNK + rest)
    order = data.draw(st.permutations(range(1, total + 1)))
    repeats = data.draw(st.lists(st.integers(1, total), max_size=4))
    together = data.draw(st.integers(1, 4))
    sent = [*repeats, *order, *repeats[:2]]
    for start in range(0, len(sent), together):
        some = sent[start : start + together]
        answers = await asyncio.gather(*(file.put(number) for number in some))
        assert {answer.status_code for answer in answers} == {200}

    document = (await file.complete()).json()
    assert document["file_hash"] == hashlib.sha256(file.data).hexdigest()


async def test_writers_of_one_number_never_mix(client: httpx.AsyncClient) -> None:
    """Each sends other bytes, slowly: the file holds one of these chunks whole."""
    file = await ChunkedFile.begin(client, size=2 * CHUNK)
    variants = [bytes([65 + n]) * CHUNK for n in range(8)]

    async def slowly(chunk: bytes) -> AsyncIterator[bytes]:
        for start in range(0, CHUNK, 4096):
            yield chunk[start : start + 4096]
            await asyncio.sleep(0)

    await file.put(1)
    answers = await asyncio.gather(
        *(client.put(f"{file.path}/chunk/2", content=slowly(chunk)) for chunk in variants)
    )
    assert {answer.status_code for answer in answers} == {200}

    document = (await file.complete()).json()
    stored = (await client.get(f"/documents/{document['id']}/download")).content
    assert stored[:CHUNK] == file.chunk(1)
    assert stored[CHUNK:] in variants


async def test_of_many_completions_at_once_one_document_is_made(
    client: httpx.AsyncClient, sessions: Sessions, recorded: Recorded
) -> None:
    assert sessions, "the outbox is emptied first"
    file = await ChunkedFile.begin(client, size=3 * CHUNK)
    await file.put_all()
    answers = await asyncio.gather(*(file.complete() for _ in range(10)))

    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["id"] for answer in answers} == {file.id}
    assert len(await recorded(DocumentUploaded)) == 1


async def test_chunks_that_come_while_it_is_completed_change_nothing(
    client: httpx.AsyncClient, slug: Slug
) -> None:
    file = await ChunkedFile.begin(client, size=3 * CHUNK)
    await file.put_all()
    other = b"%PDF-1.7 other" + bytes(CHUNK - 14)
    completed, *answers = await asyncio.gather(
        file.complete(), *(client.put(f"{file.path}/chunk/1", content=other) for _ in range(8))
    )

    late = await client.put(f"{file.path}/chunk/1", content=other)
    assert (late.status_code, slug(late)) == (409, "upload-ended")
    assert {answer.status_code for answer in answers} <= {200, 409}
    document = completed.json()
    stored = (await client.get(f"/documents/{document['id']}/download")).content
    assert document["file_hash"] == hashlib.sha256(stored).hexdigest()
    assert stored[:CHUNK] in (file.chunk(1), other)


async def test_the_same_bytes_are_refused_each_time_that_it_is_asked(
    client: httpx.AsyncClient, slug: Slug, storage: Storage, sessions: Sessions
) -> None:
    file = await ChunkedFile.begin(client, size=2 * CHUNK)
    await file.put_all()
    document = (await file.complete()).json()
    twin = await ChunkedFile.begin(client, size=len(file.data), data=file.data)
    await twin.put_all()

    for _ in range(2):
        refused = await twin.complete()
        assert (refused.status_code, slug(refused)) == (409, "duplicate-document")
        assert refused.headers["x-duplicate-id"] == document["id"]
    assert not await storage.exists(f"originals/{twin.id}")
    assert [batch async for batch in storage.objects(f"uploads/{twin.id}/")] == []
    assert await storage.exists(f"originals/{file.id}")
    assert (await client.get(twin.path)).json()["status"] == "refused"
    assert (await client.delete(twin.path)).status_code == 204


async def test_a_category_that_was_deleted_meanwhile_is_left_out(client: httpx.AsyncClient) -> None:
    category = (await client.post("/categories", json={"name": "Gone"})).json()
    file = await ChunkedFile.begin(client, size=CHUNK, category_id=category["id"], tags=["x"])
    await file.put_all()
    await client.delete(f"/categories/{category['id']}")

    document = (await file.complete()).json()
    assert (document["category_id"], document["tags"]) == (None, ["x"])


async def test_an_upload_that_is_given_up_leaves_nothing(
    client: httpx.AsyncClient, storage: Storage, slug: Slug
) -> None:
    file = await ChunkedFile.begin(client, size=2 * CHUNK)
    await file.put_all()

    assert (await client.delete(file.path)).status_code == 204
    assert [batch async for batch in storage.objects(f"uploads/{file.id}/")] == []
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/complete"), ("PUT", "/chunk/1")):
        gone = await client.request(method, f"{file.path}{path}")
        assert (gone.status_code, slug(gone)) == (404, "upload-not-found")


async def test_what_is_a_document_is_not_given_up(client: httpx.AsyncClient, slug: Slug) -> None:
    file = await ChunkedFile.begin(client, size=CHUNK)
    await file.put_all()
    document = (await file.complete()).json()
    refused = await client.delete(file.path)

    assert (refused.status_code, slug(refused)) == (409, "upload-ended")
    assert (await client.get(f"/documents/{document['id']}/download")).content == file.data


async def test_strangers_find_nothing(
    client: httpx.AsyncClient, sign_in: SignIn, slug: Slug
) -> None:
    file = await ChunkedFile.begin(client, size=CHUNK)
    await file.put_all()
    stranger = sign_in(uuid4())
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/complete"), ("PUT", "/chunk/1")):
        theirs = await stranger.request(method, f"{file.path}{path}", content=file.data)
        assert (theirs.status_code, slug(theirs)) == (404, "upload-not-found")
    assert (await file.complete()).status_code == 201


async def test_an_expired_upload_is_gone(
    client: httpx.AsyncClient, sessions: Sessions, slug: Slug
) -> None:
    file = await ChunkedFile.begin(client, size=CHUNK)
    async with transaction(sessions) as session:
        mine = sa.update(Upload).where(Upload.id == UUID(file.id))
        await session.execute(mine.values(expires_at=sa.func.now()))

    for method, path in (("GET", ""), ("POST", "/complete"), ("PUT", "/chunk/1")):
        gone = await client.request(method, f"{file.path}{path}", content=file.data)
        assert (gone.status_code, slug(gone)) == (410, "upload-expired")
