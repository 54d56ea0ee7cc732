"""What is deleted for good leaves nothing, whatever happens meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import httpx
import pytest
from common.database import Sessions
from common.errors import Unavailable
from common.settings import StorageSettings
from common.storage import Storage
from common.testing import eventually
from contracts import DocumentDeleted, DocumentPurged, Event, OcrCompleted
from documents.purging import remove_objects
from kept_documents import Kept

Deliver = Callable[..., Coroutine[Any, Any, None]]
Recorded = Callable[[type[Event]], Awaitable[list[dict[str, Any]]]]
Slug = Callable[[httpx.Response], str]
Told = Callable[[], Awaitable[list[Event]]]


@pytest.fixture
async def kept(
    document: dict[str, Any], sessions: Sessions, storage: Storage, deliver: Deliver
) -> Kept:
    return await Kept.read(document, sessions, storage, deliver)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("trashed", [False, True])
async def test_what_is_deleted_for_good_leaves_nothing(
    client: httpx.AsyncClient, kept: Kept, told: Told, slug: Slug, trashed: bool
) -> None:
    if trashed:
        await client.delete(kept.path)
    gone = await client.delete(f"{kept.path}?permanent=true")

    assert gone.status_code == 204
    assert await kept.rows() == 0
    heard: list[Event] = []

    async def nothing_left() -> bool:
        heard.extend(await told())
        told_of = [event for event in heard if isinstance(event, DocumentPurged)]
        return bool(told_of) and await kept.objects() == []

    await eventually(nothing_left)
    assert len([event for event in heard if isinstance(event, DocumentDeleted)]) == 1
    for method, path in (("POST", f"{kept.path}/restore"), ("DELETE", kept.path)):
        missing = await client.request(method, path)
        assert (missing.status_code, slug(missing)) == (404, "document-not-found")
    again = await client.delete(f"{kept.path}?permanent=true")
    assert (again.status_code, slug(again)) == (404, "document-not-found")


async def test_only_the_expected_state_is_removed(
    client: httpx.AsyncClient, kept: Kept, slug: Slug
) -> None:
    path = f"{kept.path}?permanent=true"
    refused = await client.delete(path, headers={"If-Match": '"x"'})
    assert (refused.status_code, slug(refused)) == (412, "precondition-failed")

    etag = (await client.get(kept.path)).headers["etag"]
    assert (await client.delete(path, headers={"If-Match": etag})).status_code == 204


async def test_of_many_who_delete_for_good_and_restore_one_wins(
    client: httpx.AsyncClient, kept: Kept, recorded: Recorded
) -> None:
    await client.delete(kept.path)
    answers = await asyncio.gather(
        *(client.delete(f"{kept.path}?permanent=true") for _ in range(5)),
        *(client.delete(kept.path) for _ in range(5)),
        *(client.post(f"{kept.path}/restore") for _ in range(5)),
    )

    assert {answer.status_code for answer in answers} <= {200, 204, 404}
    assert [answer.status_code for answer in answers[:5]].count(204) == 1
    assert len(await recorded(DocumentPurged)) == 1
    assert await kept.rows() == 0


async def test_a_removal_that_is_cut_off_goes_on(
    client: httpx.AsyncClient, kept: Kept, recorded: Recorded, deliver: Deliver, storage: Storage
) -> None:
    await client.delete(f"{kept.path}?permanent=true")
    purged = DocumentPurged.model_validate((await recorded(DocumentPurged))[0])
    await storage.delete(kept.page(1).result_key)
    assert len(await kept.objects()) == 2

    for _ in range(2):
        await deliver(purged)
        assert await kept.objects() == []


async def test_while_the_storage_is_away_nothing_is_forgotten(
    client: httpx.AsyncClient, kept: Kept, recorded: Recorded, storage_settings: StorageSettings
) -> None:
    nowhere = storage_settings.model_copy(update={"s3_endpoint": httpx.URL("http://127.0.0.1:9")})
    gone = await client.delete(f"{kept.path}?permanent=true")
    purged = DocumentPurged.model_validate((await recorded(DocumentPurged))[0])

    assert gone.status_code == 204
    with pytest.raises(Unavailable):  # which has the event delivered again, for as long as it takes
        await remove_objects(Storage(nowhere), purged)


async def test_what_workers_tell_of_a_purged_document_is_dropped(
    client: httpx.AsyncClient, kept: Kept, recorded: Recorded, deliver: Deliver
) -> None:
    await client.delete(f"{kept.path}?permanent=true")
    await deliver(*kept.reports, kept.page(2))

    assert await recorded(OcrCompleted) == []
    assert await kept.rows() == 0


async def test_pages_that_are_reported_while_it_is_removed_do_no_harm(
    client: httpx.AsyncClient, kept: Kept, deliver: Deliver
) -> None:
    async with asyncio.TaskGroup() as tasks:
        removal = tasks.create_task(client.delete(f"{kept.path}?permanent=true"))
        for _ in range(5):
            tasks.create_task(deliver(kept.page(2)))

    assert removal.result().status_code == 204
    assert await kept.rows() == 0
