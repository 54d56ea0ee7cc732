"""A document is deleted once, and may come again."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx

NewFile = Callable[[], bytes]
Upload = Callable[..., Awaitable[httpx.Response]]


async def test_of_many_simultaneous_deletions_one_wins(
    upload: Upload, client: httpx.AsyncClient, new_file: NewFile
) -> None:
    document = (await upload(new_file())).json()
    path = f"/documents/{document['id']}"
    answers = await asyncio.gather(*(client.delete(path) for _ in range(10)))

    assert sorted(answer.status_code for answer in answers) == [204] + [404] * 9


async def test_a_deleted_document_is_gone_and_may_be_uploaded_again(
    upload: Upload, client: httpx.AsyncClient, new_file: NewFile
) -> None:
    data = new_file()
    document = (await upload(data)).json()

    assert (await client.delete(f"/documents/{document['id']}")).status_code == 204
    for path in ("", "/text", "/pages", "/download"):
        assert (await client.get(f"/documents/{document['id']}{path}")).status_code == 404
    assert (await client.get(f"/ocr/jobs/{document['job_id']}")).status_code == 404
    assert (await upload(data)).status_code == 201
