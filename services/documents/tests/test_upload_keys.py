"""Uploads with an `Idempotency-Key`: sent again, they are not done again."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

KEY = {"Idempotency-Key": "8e03978e"}
Slug = Callable[[httpx.Response], str]


@pytest.fixture
def send(client: httpx.AsyncClient) -> Callable[..., Any]:
    """Upload a file under the one key."""

    async def send(data: bytes, *, name: str = "a.pdf", title: str = "x") -> httpx.Response:
        fields = {"title": title, "tags": "a"}
        return await client.post(
            "/documents", files={"file": (name, data)}, data=fields, headers=KEY
        )

    return send


async def test_of_twenty_uploads_with_one_key_one_is_kept(
    client: httpx.AsyncClient, send: Any, new_file: Callable[[], bytes]
) -> None:
    data = new_file()
    answers = await asyncio.gather(*(send(data) for _ in range(20)))

    told = {(each.status_code, each.content, each.headers["location"]) for each in answers}
    assert len(told) == 1, "another boundary makes no other form"
    assert answers[0].status_code == 201
    assert sum("idempotency-replayed" not in each.headers for each in answers) == 1
    assert (await client.get("/documents")).json()["total"] == 1


async def test_another_file_name_or_field_is_another_request(
    send: Any, new_file: Callable[[], bytes], slug: Slug
) -> None:
    data = new_file()
    await send(data)
    for other in (
        await send(new_file()),
        await send(data, name="b.pdf"),
        await send(data, title="y"),
    ):
        assert (other.status_code, slug(other)) == (422, "idempotency-key-reused")


async def test_what_is_gone_for_good_does_not_come_back(
    client: httpx.AsyncClient, send: Any, new_file: Callable[[], bytes]
) -> None:
    data = new_file()
    first = await send(data)
    await client.delete(f"/documents/{first.json()['id']}?permanent=true")

    assert (await send(data)).content == first.content
    assert (await client.get("/documents")).json()["total"] == 0


async def test_several_files_are_kept_once(
    client: httpx.AsyncClient, new_file: Callable[[], bytes], slug: Slug
) -> None:
    files = [("files", (f"{number}.pdf", new_file())) for number in range(3)]
    first = await client.post("/documents/upload/multiple", files=files, headers=KEY)
    again = await client.post("/documents/upload/multiple", files=files, headers=KEY)
    other = await client.post("/documents/upload/multiple", files=files[:1], headers=KEY)

    assert (first.status_code, again.content) == (201, first.content)
    assert (other.status_code, slug(other)) == (422, "idempotency-key-reused")
    assert (await client.get("/documents")).json()["total"] == 3
