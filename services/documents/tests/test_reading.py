"""What its owner sees of a document, and what a stranger does not."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

NewFile = Callable[[], bytes]
SignIn = Callable[[UUID], httpx.AsyncClient]
Upload = Callable[..., Awaitable[httpx.Response]]


async def test_the_download_is_byte_for_byte_what_was_sent(
    upload: Upload, client: httpx.AsyncClient
) -> None:
    data = b"\x89PNG\r\n\x1a\n" + uuid4().bytes * 600_000  # more than one part
    document = (await upload(data, name='a"b\\c\r\nX: y ü.png')).json()

    response = await client.get(f"/documents/{document['id']}/download")

    assert response.content == data
    assert response.headers["content-type"] == "image/png"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in response.headers["content-security-policy"]
    disposition = response.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="a')
    assert "%C3%BC.png" in disposition
    assert "x" not in response.headers


async def test_the_list_is_paged_newest_first(
    upload: Upload, client: httpx.AsyncClient, new_file: NewFile
) -> None:
    ids = [(await upload(new_file())).json()["id"] for _ in range(5)]

    page = (await client.get("/documents", params={"page": 2, "page_size": 2})).json()

    assert [item["id"] for item in page["items"]] == ids[::-1][2:4]
    facts: dict[str, Any] = {k: v for k, v in page.items() if k != "items"}
    assert facts == {
        "total": 5,
        "page": 2,
        "page_size": 2,
        "total_pages": 3,
        "has_next": True,
        "has_prev": True,
    }


@pytest.mark.parametrize("query", ["page=0", "page_size=101", "page=x"])
async def test_a_bad_page_is_refused(client: httpx.AsyncClient, query: str) -> None:
    assert (await client.get(f"/documents?{query}")).status_code == 422


async def test_a_stranger_sees_what_is_not_there(
    upload: Upload, client: httpx.AsyncClient, sign_in: SignIn, new_file: NewFile
) -> None:
    document = (await upload(new_file())).json()
    stranger = sign_in(uuid4())

    for method, path in (
        ("GET", "/documents/{id}"),
        ("DELETE", "/documents/{id}"),
        ("GET", "/documents/{id}/text"),
        ("GET", "/documents/{id}/pages"),
        ("GET", "/documents/{id}/download"),
        ("GET", "/ocr/jobs/{job_id}"),
    ):
        theirs = await stranger.request(method, path.format(**document))
        nobodys = await stranger.request(method, path.format(id=uuid4(), job_id=uuid4()))
        assert theirs.status_code == nobodys.status_code == 404
        ignored = {"instance", "request_id"}
        assert {k: v for k, v in theirs.json().items() if k not in ignored} == {
            k: v for k, v in nobodys.json().items() if k not in ignored
        }
    assert (await stranger.get("/documents")).json()["items"] == []
    assert (await client.get(f"/documents/{document['id']}")).status_code == 200
