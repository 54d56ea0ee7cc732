"""What was deleted can be brought back, until its time is over."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from common.database import Sessions
from common.storage import Storage
from common.testing import eventually
from contracts import DocumentRestored, Event
from documents import purging
from documents.purging import empty_trash
from kept_documents import Kept

Deliver = Callable[..., Coroutine[Any, Any, None]]
NewFile = Callable[[], bytes]
Recorded = Callable[[type[Event]], Awaitable[list[dict[str, Any]]]]
SignIn = Callable[[UUID], httpx.AsyncClient]
Slug = Callable[[httpx.Response], str]
Upload = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def kept(
    document: dict[str, Any], sessions: Sessions, storage: Storage, deliver: Deliver
) -> Kept:
    return await Kept.read(document, sessions, storage, deliver)


async def test_what_was_deleted_can_be_brought_back(
    client: httpx.AsyncClient, document: dict[str, Any], kept: Kept, recorded: Recorded
) -> None:
    await client.delete(kept.path)
    back = await client.post(f"{kept.path}/restore")

    assert back.status_code == 200
    assert back.json() == (await client.get(kept.path)).json()
    assert back.headers["etag"] == (await client.get(kept.path)).headers["etag"]
    expected = {**document, "status": "cancelled", "progress": 50, "page_count": 2}
    changing = {"updated_at": back.json()["updated_at"]}
    assert back.json() == {**expected, **changing}, "its job stays as it ended"
    assert (await client.get(f"{kept.path}/text")).json()["text"] == "x", "its pages stay"
    assert [event["document_id"] for event in await recorded(DocumentRestored)] == [str(kept.id)]


async def test_what_was_not_deleted_stays_as_it_is(
    client: httpx.AsyncClient, kept: Kept, recorded: Recorded
) -> None:
    before = await client.get(kept.path)
    answers = await asyncio.gather(*(client.post(f"{kept.path}/restore") for _ in range(3)))

    assert {answer.headers["etag"] for answer in answers} == {before.headers["etag"]}
    assert await recorded(DocumentRestored) == []


async def test_a_file_that_is_there_again_keeps_its_twin_in_the_trash(
    client: httpx.AsyncClient, upload: Upload, new_file: NewFile, slug: Slug
) -> None:
    data = new_file()
    first, second = (await upload(data)).json(), {}
    await client.delete(f"/documents/{first['id']}")
    second = (await upload(data)).json()

    refused = await client.post(f"/documents/{first['id']}/restore")
    assert (refused.status_code, slug(refused)) == (409, "duplicate-document")
    assert refused.headers["x-duplicate-id"] == second["id"]
    assert (await client.get(f"/documents/{first['id']}")).status_code == 404

    await client.delete(f"/documents/{second['id']}")
    assert (await client.post(f"/documents/{first['id']}/restore")).status_code == 200


async def test_of_a_restoration_and_uploads_at_once_one_wins(
    client: httpx.AsyncClient, upload: Upload, new_file: NewFile
) -> None:
    for _ in range(3):
        data = new_file()
        path = f"/documents/{(await upload(data)).json()['id']}"
        await client.delete(path)
        answers = await asyncio.gather(client.post(f"{path}/restore"), upload(data), upload(data))
        statuses = [answer.status_code for answer in answers]
        assert sorted(status == 409 for status in statuses) == [False, True, True]


@pytest.fixture
async def documents(
    upload: Upload, new_file: NewFile, sessions: Sessions, storage: Storage
) -> list[Kept]:
    return [Kept((await upload(new_file())).json(), sessions, storage) for _ in range(7)]


async def test_the_trash_is_emptied_of_what_is_old(
    documents: list[Kept],
    client: httpx.AsyncClient,
    sessions: Sessions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(purging, "_AT_ONCE", 2)
    for document in documents[1:]:
        await client.delete(document.path)
    for document, days in zip(documents[1:], (29, 29.9, 30.1, 31, 365, 400), strict=True):
        await document.deleted_days_ago(days)

    await empty_trash(sessions, kept=timedelta(days=30))

    assert [bool(await document.rows()) for document in documents] == [True] * 3 + [False] * 4


@pytest.fixture
async def thrown_away(client: httpx.AsyncClient, kept: Kept) -> Kept:
    await client.delete(kept.path)
    await kept.deleted_days_ago(31)
    return kept


async def test_the_worker_empties_the_trash(thrown_away: Kept, worker: str) -> None:
    assert worker, "it is started when the document lies there"

    async def nothing_left() -> bool:
        return await thrown_away.rows() == 0 and await thrown_away.objects() == []

    await eventually(nothing_left)


async def test_a_stranger_neither_restores_nor_removes(
    client: httpx.AsyncClient, kept: Kept, sign_in: SignIn, slug: Slug
) -> None:
    stranger = sign_in(uuid4())
    await client.delete(kept.path)
    for method, path in (("POST", "/restore"), ("DELETE", "?permanent=true")):
        theirs = await stranger.request(method, f"{kept.path}{path}")
        assert (theirs.status_code, slug(theirs)) == (404, "document-not-found")
    assert await kept.rows() == 3
