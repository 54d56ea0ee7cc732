"""Whoever leaves takes all documents along, in whatever order that is heard of."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from chunked_files import CHUNK, INIT, ChunkedFile
from common.database import Sessions, transaction
from common.envelope import seal
from common.storage import Storage
from common.testing import eventually
from contracts import (
    DocumentDeleted,
    Event,
    OcrCompleted,
    OcrPageCompleted,
    OcrStarted,
    PageSource,
    UserDeleted,
)
from documents import deletion
from documents.jobs.models import Job, Status
from documents.models import Document
from documents.uploads.expiry import forget_expired

Deliver = Callable[..., Coroutine[Any, Any, None]]
NewFile = Callable[[], bytes]
Publish = Callable[..., Awaitable[None]]
Slug = Callable[[httpx.Response], str]
Recorded = Callable[[type[Event]], Awaitable[list[dict[str, Any]]]]
Told = Callable[[], Awaitable[list[Event]]]
Upload = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def documents(upload: Upload, new_file: NewFile, sessions: Sessions) -> list[dict[str, Any]]:
    assert sessions, "the outbox is emptied first"
    return [(await upload(new_file())).json() for _ in range(7)]


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "_AT_ONCE", 2)


def started(document: dict[str, Any], pages: int = 1) -> OcrStarted:
    return OcrStarted(document_id=document["id"], job_id=document["job_id"], pages=pages)


def read(document: dict[str, Any], page: int = 1) -> OcrPageCompleted:
    return OcrPageCompleted(
        document_id=document["id"],
        job_id=document["job_id"],
        page=page,
        source=PageSource.OCR,
        chars=5,
        confidence=0.9,
        result_key=f"results/{document['job_id']}/{page}.json",
    )


async def jobs(sessions: Sessions, user_id: UUID) -> list[Status]:
    """Return how the jobs of a user stand whose documents are all deleted."""
    async with sessions() as session:
        found = (
            await session.scalars(sa.select(Document).where(Document.user_id == user_id))
        ).all()
    assert all(document.deleted_at for document in found)
    return [document.job.status for document in found]


async def left(sessions: Sessions, user_id: UUID) -> int:
    mine = sa.and_(Document.user_id == user_id, Document.deleted_at.is_(None))
    async with sessions() as session:
        return await session.scalar(sa.select(sa.func.count(Document.id)).where(mine)) or 0


def ids(events: list[dict[str, Any]]) -> list[str]:
    return sorted(event["document_id"] for event in events)


@pytest.mark.usefixtures("worker")
async def test_whoever_leaves_takes_all_documents_along(
    documents: list[dict[str, Any]],
    user_id: UUID,
    client: httpx.AsyncClient,
    publish: Publish,
    told: Told,
) -> None:
    await publish(*[seal(UserDeleted(user_id=user_id), source="auth")] * 3)
    heard: list[Event] = []

    async def all_told() -> bool:
        heard.extend(await told())
        return len([event for event in heard if isinstance(event, DocumentDeleted)]) == 7

    await eventually(all_told)
    assert (await client.get("/documents")).json()["total"] == 0
    assert (await client.get(f"/documents/{documents[0]['id']}")).status_code == 404
    assert (await client.get(f"/ocr/jobs/{documents[0]['job_id']}")).status_code == 404


async def test_what_others_have_stays(
    documents: list[dict[str, Any]], client: httpx.AsyncClient, deliver: Deliver
) -> None:
    await deliver(UserDeleted(user_id=uuid4()))

    assert (await client.get("/documents")).json()["total"] == len(documents)


@pytest.mark.usefixtures("few_at_once")
async def test_many_documents_are_deleted_some_at_a_time(
    documents: list[dict[str, Any]],
    user_id: UUID,
    sessions: Sessions,
    deliver: Deliver,
    recorded: Recorded,
) -> None:
    await deliver(started(documents[0]), read(documents[0]), started(documents[1]))
    await deliver(UserDeleted(user_id=user_id))

    statuses = await jobs(sessions, user_id)
    assert sorted(statuses) == [Status.CANCELLED] * 6 + [Status.COMPLETED], "an end stays an end"
    assert ids(await recorded(DocumentDeleted)) == sorted(d["id"] for d in documents)


@pytest.mark.usefixtures("few_at_once")
async def test_told_often_and_at_once_each_document_is_deleted_once(
    documents: list[dict[str, Any]],
    user_id: UUID,
    client: httpx.AsyncClient,
    deliver: Deliver,
    recorded: Recorded,
) -> None:
    """The owner's own deletions, at the same moment, are no other ones."""
    leaves = UserDeleted(user_id=user_id)
    await asyncio.gather(
        *(deliver(leaves) for _ in range(4)),
        *(client.delete(f"/documents/{document['id']}") for document in documents),
    )

    assert ids(await recorded(DocumentDeleted)) == sorted(d["id"] for d in documents)


@pytest.mark.usefixtures("few_at_once")
async def test_pages_may_come_before_meanwhile_and_after(
    documents: list[dict[str, Any]],
    user_id: UUID,
    sessions: Sessions,
    deliver: Deliver,
    recorded: Recorded,
) -> None:
    await deliver(*(started(document, pages=2) for document in documents))
    await deliver(read(documents[0]), read(documents[0], page=2))
    await asyncio.gather(
        deliver(UserDeleted(user_id=user_id)),
        *(deliver(read(document), read(document, page=2)) for document in documents),
    )
    before = await recorded(OcrCompleted)
    await deliver(*(started(document) for document in documents), read(documents[1], page=2))

    statuses = await jobs(sessions, user_id)
    assert set(statuses) <= {Status.CANCELLED, Status.COMPLETED}
    assert statuses.count(Status.COMPLETED) == len(before) == len(await recorded(OcrCompleted))
    assert len(await recorded(DocumentDeleted)) == len(documents)


async def test_a_file_that_comes_too_late_is_refused(
    user_id: UUID,
    client: httpx.AsyncClient,
    upload: Upload,
    new_file: NewFile,
    deliver: Deliver,
    *,
    storage: Storage,
    slug: Slug,
) -> None:
    before = [each.key async for batch in storage.objects("originals/") for each in batch]
    await deliver(UserDeleted(user_id=user_id))
    refused = await upload(new_file())

    assert (refused.status_code, slug(refused)) == (403, "account-closed")
    assert (await client.get("/documents")).json()["total"] == 0
    after = [each.key async for batch in storage.objects("originals/") for each in batch]
    assert after == before


@pytest.mark.usefixtures("few_at_once")
async def test_nothing_is_left_of_files_that_come_at_that_moment(
    user_id: UUID, sessions: Sessions, upload: Upload, new_file: NewFile, deliver: Deliver
) -> None:
    """Whatever is committed first: a document that is kept has been seen by the deletion."""
    deleting = asyncio.create_task(deliver(UserDeleted(user_id=user_id)))
    answers = await asyncio.gather(*(upload(new_file()) for _ in range(12)))
    await deleting

    assert {answer.status_code for answer in answers} <= {201, 403}
    assert await left(sessions, user_id) == 0


async def test_uploads_that_are_not_complete_end(
    user_id: UUID,
    client: httpx.AsyncClient,
    deliver: Deliver,
    slug: Slug,
    sessions: Sessions,
    *,
    storage: Storage,
) -> None:
    file = await ChunkedFile.begin(client, size=2 * CHUNK)
    await file.put_all()
    await deliver(UserDeleted(user_id=user_id))

    gone = await file.complete()
    assert (gone.status_code, slug(gone)) == (410, "upload-expired")
    refused = await client.post(INIT, json={"filename": "a.pdf", "file_size": 1})
    assert (refused.status_code, slug(refused)) == (403, "account-closed")
    await forget_expired(sessions, storage)
    assert [batch async for batch in storage.objects(f"uploads/{file.id}/")] == []


@pytest.mark.usefixtures("few_at_once")
async def test_what_was_cut_off_goes_on_where_it_was(
    documents: list[dict[str, Any]],
    user_id: UUID,
    sessions: Sessions,
    deliver: Deliver,
    recorded: Recorded,
) -> None:
    last = max(documents, key=lambda document: str(document["file_hash"]))

    async def all_but_the_last() -> bool:
        return await left(sessions, user_id) == 1

    async with transaction(sessions) as session:
        await session.execute(
            sa.select(Job.id).where(Job.id == UUID(last["job_id"])).with_for_update()
        )
        deleting = asyncio.create_task(deliver(UserDeleted(user_id=user_id)))
        await eventually(all_but_the_last)
        deleting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await deleting
    assert await left(sessions, user_id) == 1
    await deliver(UserDeleted(user_id=user_id))

    assert await left(sessions, user_id) == 0
    assert ids(await recorded(DocumentDeleted)) == sorted(d["id"] for d in documents)
