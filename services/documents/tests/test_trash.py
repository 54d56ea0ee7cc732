"""What was deleted can be brought back, until it is removed with all that belongs to it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from common.database import Sessions, transaction
from common.errors import Unavailable
from common.settings import StorageSettings
from common.storage import Storage
from common.testing import eventually
from contracts import (
    DocumentDeleted,
    DocumentPurged,
    DocumentRestored,
    Event,
    OcrCompleted,
    OcrPageCompleted,
    OcrStarted,
    PageSource,
)
from documents import purging
from documents.jobs.models import Job, Page
from documents.models import Document
from documents.purging import empty_trash, remove_objects
from documents.sweeping import sweep

Deliver = Callable[..., Coroutine[Any, Any, None]]
NewFile = Callable[[], bytes]
Recorded = Callable[[type[Event]], Awaitable[list[dict[str, Any]]]]
SignIn = Callable[[UUID], httpx.AsyncClient]
Slug = Callable[[httpx.Response], str]
Told = Callable[[], Awaitable[list[Event]]]
Upload = Callable[..., Awaitable[httpx.Response]]


class Kept:
    """A document of which one page of two has been read, and all that is kept of it."""

    def __init__(self, document: dict[str, Any], sessions: Sessions, storage: Storage) -> None:
        self.id, self.job_id = UUID(document["id"]), UUID(document["job_id"])
        self.path = f"/documents/{self.id}"
        self._sessions, self._storage = sessions, storage

    @property
    def reports(self) -> list[Event]:
        started = OcrStarted(document_id=self.id, job_id=self.job_id, pages=2)
        return [started, self.page(1)]

    def page(self, number: int) -> OcrPageCompleted:
        return OcrPageCompleted(
            document_id=self.id,
            job_id=self.job_id,
            page=number,
            source=PageSource.OCR,
            chars=1,
            confidence=1,
            result_key=f"results/{self.job_id}/{number}.json",
        )

    async def put_results(self, count: int = 2) -> None:
        for number in range(1, count + 1):
            key, data = f"results/{self.job_id}/{number}.json", b'{"text": "x"}'
            await self._storage.put(key, data, content_type="application/json")

    async def objects(self) -> list[str]:
        folders = f"originals/{self.id}", f"results/{self.job_id}/"
        return [
            each.key
            for folder in folders
            async for batch in self._storage.objects(folder)
            for each in batch
        ]

    async def rows(self) -> int:
        async with self._sessions() as session:
            counts = [
                await session.scalar(sa.select(sa.func.count()).select_from(kind).where(of))
                for kind, of in (
                    (Document, Document.id == self.id),
                    (Job, Job.document_id == self.id),
                    (Page, Page.job_id == self.job_id),
                )
            ]
        return sum(count or 0 for count in counts)

    async def deleted_days_ago(self, days: float) -> None:
        at = datetime.now(UTC) - timedelta(days=days)
        change = sa.update(Document).where(Document.id == self.id).values(deleted_at=at)
        async with transaction(self._sessions) as session:
            await session.execute(change)


@pytest.fixture
async def kept(
    document: dict[str, Any], sessions: Sessions, storage: Storage, deliver: Deliver
) -> Kept:
    kept = Kept(document, sessions, storage)
    await kept.put_results()
    await deliver(*kept.reports)
    return kept


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


async def test_objects_that_belong_to_nothing_are_swept(
    kept: Kept, sessions: Sessions, storage: Storage
) -> None:
    orphans = f"originals/{uuid4()}", f"results/{uuid4()}/1.json"
    for key in (*orphans, "originals/of-another-kind"):
        await storage.put(key, b"x", content_type="text/plain")

    async with transaction(sessions) as session:
        await sweep(session, storage)
        assert all([await storage.exists(key) for key in orphans]), "they may only be early"
        await sweep(session, storage, older_than=timedelta(seconds=-5))

    assert not any([await storage.exists(key) for key in orphans])
    assert await storage.exists("originals/of-another-kind")
    assert len(await kept.objects()) == 3


async def test_a_stranger_neither_restores_nor_removes(
    client: httpx.AsyncClient, kept: Kept, sign_in: SignIn, slug: Slug
) -> None:
    stranger = sign_in(uuid4())
    await client.delete(kept.path)
    for method, path in (("POST", "/restore"), ("DELETE", "?permanent=true")):
        theirs = await stranger.request(method, f"{kept.path}{path}")
        assert (theirs.status_code, slug(theirs)) == (404, "document-not-found")
    assert await kept.rows() == 3
