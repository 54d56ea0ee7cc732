"""What is refused of files in chunks, by name; and what is not counted twice."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa
from chunked_files import CHUNK, INIT, ChunkedFile
from common.database import Sessions
from common.storage import Storage
from common.testing import TokenIssuer, serving
from documents.app import create_api
from documents.chunked.layout import MAX_CHUNKS, Layout
from documents.settings import ApiSettings
from documents.uploads.quota import usage
from hypothesis import given
from hypothesis import strategies as st

Slug = Callable[[httpx.Response], str]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"file_size": 0}, "/body/file_size"),
        ({"file_size": -1}, "/body/file_size"),
        ({"filename": ""}, "/body/filename"),
        ({"chunk_size": (64 << 10) - 1}, "/body/chunk_size"),
        ({"chunk_size": (64 << 20) + 1}, "/body/chunk_size"),
        ({"chunk_size": 64 << 10, "file_size": (10_000 * 64 << 10) + 1}, "/body/chunk_size"),
        ({"title": "a\0b"}, "/body/title"),
        ({"user_id": str(uuid4())}, "/body/user_id"),
        ({"category_id": str(uuid4())}, "/body/category_id"),
    ],
)
async def test_what_cannot_be_is_refused_at_the_beginning(
    client: httpx.AsyncClient, change: dict[str, Any], pointer: str
) -> None:
    response = await client.post(INIT, json={"filename": "a.pdf", "file_size": 1000, **change})

    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("size", [(5 << 30) + 1, 1 << 62, 1 << 70])
async def test_too_large_is_refused_at_the_beginning(
    client: httpx.AsyncClient, slug: Slug, size: int
) -> None:
    response = await client.post(INIT, json={"filename": "a.pdf", "file_size": size})

    assert (response.status_code, slug(response)) == (413, "file-too-large")


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize(("number", "size"), [(1, CHUNK - 1), (1, CHUNK + 1), (2, 2), (1, 0)])
async def test_a_chunk_of_another_size_is_refused(
    client: httpx.AsyncClient,
    storage: Storage,
    slug: Slug,
    announced: bool,
    number: int,
    *,
    size: int,
) -> None:
    file = await ChunkedFile.begin(client, size=CHUNK + 1)

    async def pieces() -> AsyncIterator[bytes]:
        yield bytes(size)

    path = f"{file.path}/chunk/{number}"
    refused = await client.put(path, content=bytes(size) if announced else pieces())

    assert (refused.status_code, slug(refused)) == (400, "wrong-chunk-size")
    assert refused.json()["expected_size"] == (CHUNK if number == 1 else 1)
    assert (await client.get(file.path)).json()["missing"] == [1, 2]
    assert [batch async for batch in storage.objects(f"uploads/{file.id}/")] == []


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("0", "invalid-input"),
        ("-1", "invalid-input"),
        ("one", "invalid-input"),
        ("3", "chunk-out-of-range"),
        ("10001", "chunk-out-of-range"),
    ],
)
async def test_there_is_no_other_chunk(
    client: httpx.AsyncClient, slug: Slug, number: str, name: str
) -> None:
    file = await ChunkedFile.begin(client, size=2 * CHUNK)
    refused = await client.put(f"{file.path}/chunk/{number}", content=b"x")

    assert (refused.status_code, slug(refused)) == (422, name)


async def test_a_chunk_that_is_cut_off_is_missing(
    client: httpx.AsyncClient, storage: Storage
) -> None:
    file = await ChunkedFile.begin(client, size=CHUNK)

    async def cut() -> AsyncIterator[bytes]:
        yield file.data[:100]
        raise ConnectionError("the cable is pulled")

    with pytest.raises(ConnectionError):
        await client.put(f"{file.path}/chunk/1", content=cut())

    assert (await client.get(file.path)).json()["missing"] == [1]
    assert [batch async for batch in storage.objects(f"uploads/{file.id}/")] == []


async def test_what_is_no_readable_file_ends_the_upload(
    client: httpx.AsyncClient, slug: Slug, storage: Storage
) -> None:
    file = await ChunkedFile.begin(client, size=CHUNK, data=b"MZ" + bytes(CHUNK - 2))
    await file.put_all()

    for _ in range(2):
        refused = await file.complete()
        assert (refused.status_code, slug(refused)) == (415, "unsupported-type")
    assert (await client.get(file.path)).json()["status"] == "refused"
    late = await file.put(1)
    assert (late.status_code, slug(late)) == (415, "unsupported-type")
    assert [batch async for batch in storage.objects(f"uploads/{file.id}/")] == []


@pytest.mark.parametrize("path", ["", "/complete", "/chunk/1"])
async def test_unknown_uploads_are_not_found(
    client: httpx.AsyncClient, slug: Slug, path: str
) -> None:
    method = {"": "GET", "/complete": "POST", "/chunk/1": "PUT"}[path]
    response = await client.request(method, f"/documents/upload/chunked/{uuid4()}{path}")

    assert (response.status_code, slug(response)) == (404, "upload-not-found")


async def test_an_upload_of_the_other_kind_is_not_found(
    client: httpx.AsyncClient, slug: Slug
) -> None:
    file = await ChunkedFile.begin(client, size=CHUNK)
    response = await client.post(f"/documents/upload/presigned/{file.id}/complete")

    assert (response.status_code, slug(response)) == (404, "upload-not-found")


async def test_room_is_kept_from_the_beginning_and_counted_once(
    settings: ApiSettings, issuer: TokenIssuer, sessions: Sessions, slug: Slug
) -> None:
    user_id = uuid4()
    limited = settings.model_copy(update={"quota_bytes": 2 * CHUNK})

    async def stored() -> tuple[int, int]:
        async with sessions() as session:
            mine = sa.select(usage.c.documents, usage.c.bytes).where(usage.c.user_id == user_id)
            documents, size = (await session.execute(mine)).one()
            return documents, size

    async with (
        serving(create_api(limited)) as url,
        httpx.AsyncClient(base_url=f"{url}/api/v1", headers=issuer.headers(user_id)) as client,
    ):
        file = await ChunkedFile.begin(client, size=2 * CHUNK)
        assert await stored() == (1, 2 * CHUNK)
        one_more = await client.post(INIT, json={"filename": "a.pdf", "file_size": 1})
        assert (one_more.status_code, slug(one_more)) == (413, "quota-exceeded")

        await file.put_all()
        assert (await file.complete()).status_code == 201
        assert await stored() == (1, 2 * CHUNK)


@given(length=st.integers(1, 5 << 30), wanted=st.none() | st.integers(64 << 10, 64 << 20))
def test_the_chunks_are_the_file(length: int, wanted: int | None) -> None:
    if wanted is not None and length > wanted * MAX_CHUNKS:
        return
    layout = Layout.of(length, wanted)

    assert 1 <= layout.total <= MAX_CHUNKS
    assert wanted in (None, layout.chunk_size)
    sizes = [layout.size_of(number) for number in range(1, layout.total + 1)]
    assert sum(sizes) == length
    assert set(sizes[:-1]) <= {layout.chunk_size}
    assert 1 <= sizes[-1] <= layout.chunk_size


@given(total=st.integers(1, 50), stored=st.sets(st.integers(1, 50)))
def test_what_is_not_stored_is_missing(total: int, stored: set[int]) -> None:
    stored = {number for number in stored if number <= total}
    missing = list(Layout(total * 10, 10).missing(stored))

    assert missing == [number for number in range(1, total + 1) if number not in stored]
