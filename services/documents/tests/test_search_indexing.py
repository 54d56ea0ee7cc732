"""How pages become searchable: from events, in any order, and after everything that goes wrong."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from common.database import Sessions, transaction
from common.envelope import seal
from common.settings import StorageSettings
from common.storage import Storage
from common.testing import eventually
from contracts import OcrPageCompleted, OcrStarted, PageSource
from documents.base import now
from documents.deletion import delete_all
from documents.models import Document
from documents.search.indexing import Indexer, forget_words
from documents.search.models import SearchBacklog, SearchText, SearchWord

Count = Callable[[str], Awaitable[int]]
Deliver = Callable[..., Awaitable[None]]
Keep = Callable[..., Awaitable[list[UUID]]]
Publish = Callable[..., Awaitable[None]]
Read = Callable[..., Awaitable[None]]
Store = Callable[..., Awaitable[OcrPageCompleted]]


@pytest.fixture
def storage(storage_settings: StorageSettings) -> Storage:
    return Storage(storage_settings)


@pytest.fixture
def indexer(sessions: Sessions, storage: Storage) -> Indexer:
    return Indexer(sessions, storage)


@pytest.fixture
def store(storage: Storage) -> Store:
    """Store the result of a page; return the event that tells of it."""

    async def store(document: dict[str, Any], page: int, text: str) -> OcrPageCompleted:
        key = f"results/{document['job_id']}/{page}.json"
        await storage.put(key, json.dumps({"text": text}).encode(), content_type="application/json")
        return OcrPageCompleted(
            document_id=document["id"],
            job_id=document["job_id"],
            page=page,
            source=PageSource.OCR,
            chars=len(text),
            confidence=1,
            result_key=key,
        )

    return store


@pytest.fixture
def count(client: httpx.AsyncClient) -> Count:
    """Return how much a query finds."""

    async def count(q: str) -> int:
        answer = await client.get("/search", params={"q": q})
        return int(answer.json()["total"])

    return count


async def test_a_document_is_found_while_it_is_still_being_read(
    document: dict[str, Any], store: Store, worker: str, publish: Publish, count: Count
) -> None:
    assert worker
    started = OcrStarted(document_id=document["id"], job_id=document["job_id"], pages=3)
    await publish(seal(started, source="test"))
    await publish(seal(await store(document, 2, "Elefant"), source="test"))

    assert await eventually(lambda: count("Elefant")) == 1


async def test_repeats_and_any_order_are_harmless(
    *,
    document: dict[str, Any],
    store: Store,
    indexer: Indexer,
    deliver: Deliver,
    count: Count,
    sessions: Sessions,
) -> None:
    events = [await store(document, page, f"Seite{page} Text") for page in (1, 2, 3)]
    handle = indexer.handlers()[OcrPageCompleted]

    for event in (events[2], events[0], events[2], events[1], events[1], events[0]):
        await handle(event, seal(event, source="test"))
    await deliver(OcrStarted(document_id=document["id"], job_id=document["job_id"], pages=3))
    await deliver(*events)  # counted only after they were indexed

    assert [await count(word) for word in ("Seite1", "Seite2", "Seite3", "Text")] == [1, 1, 1, 3]
    assert await _left(sessions, document) == []


async def test_a_page_that_is_read_again_has_its_new_words(
    document: dict[str, Any], store: Store, indexer: Indexer, count: Count
) -> None:
    handle = indexer.handlers()[OcrPageCompleted]
    for text in ("Kaninchen", "Känguru"):
        event = await store(document, 1, text)
        await handle(event, seal(event, source="test"))

    assert [await count("Kaninchen"), await count("Känguru")] == [0, 1]


async def test_pages_that_no_event_has_indexed_are_indexed_later(
    *,
    document: dict[str, Any],
    store: Store,
    indexer: Indexer,
    deliver: Deliver,
    count: Count,
    sessions: Sessions,
    storage: Storage,
) -> None:
    events = [await store(document, page, "Giraffe") for page in (1, 2)]
    await storage.delete(events[1].result_key)
    await deliver(OcrStarted(document_id=document["id"], job_id=document["job_id"], pages=2))
    await deliver(*events)
    assert await _left(sessions, document) == [1, 2]
    await _index_all(indexer)
    assert await count("Giraffe") == 0  # the events have their time first

    await _make_due(sessions, document)
    await _index_all(indexer)

    assert await count("Giraffe") == 1
    assert await _left(sessions, document) == []


async def test_a_page_that_cannot_be_indexed_comes_again(
    *,
    document: dict[str, Any],
    store: Store,
    indexer: Indexer,
    deliver: Deliver,
    count: Count,
    sessions: Sessions,
    storage: Storage,
) -> None:
    events = [await store(document, page, "Nashorn") for page in (1, 2)]
    await storage.put(events[0].result_key, b"not json", content_type="application/json")
    await deliver(OcrStarted(document_id=document["id"], job_id=document["job_id"], pages=2))
    await deliver(*events)

    await _make_due(sessions, document)
    await _index_all(indexer)
    assert (await count("Nashorn"), await _left(sessions, document)) == (1, [1])

    await store(document, 1, "Nashorn")
    await _make_due(sessions, document)
    await _index_all(indexer)
    assert (await count("Nashorn"), await _left(sessions, document)) == (2, [])


async def test_an_event_of_a_document_that_is_gone_is_dropped(
    document: dict[str, Any], store: Store, indexer: Indexer, sessions: Sessions
) -> None:
    event = await store(document, 1, "Ameise")
    gone = event.model_copy(update={"job_id": UUID(int=0)})

    await indexer.handlers()[OcrPageCompleted](gone, seal(gone, source="test"))

    async with sessions() as session:
        pages = sa.select(sa.func.count()).select_from(SearchText)
        of_it = pages.where(SearchText.document_id == document["id"], SearchText.page > 0)
        assert await session.scalar(of_it) == 0


@pytest.mark.parametrize(
    "text",
    [
        " ".join(f"{n:x}-{n * 7919:x}" for n in range(60_000)),  # each word another one
        "w" * 1_000_000,
        "wort " * 60_000,
        "日本語 " * 40_000,
        "",
    ],
    ids=["many-words", "one-word", "same-word", "multibyte", "empty"],
)
async def test_huge_and_odd_pages_are_indexed(
    keep: Keep, read: Read, count: Count, text: str
) -> None:
    (document,) = await keep({"title": "groß"})
    await read(document, text, "Ende")

    assert await count("Ende") >= 1
    assert await count("groß") == 1


async def test_what_is_searched_goes_with_the_document(
    document: dict[str, Any], read: Read, sessions: Sessions, user_id: UUID
) -> None:
    await read(UUID(document["id"]), "Schwertfisch")
    await delete_all(sessions, user_id)
    async with transaction(sessions) as session:
        await session.execute(sa.text("DELETE FROM jobs WHERE id = :job_id"), document)
        await session.execute(sa.delete(Document).where(Document.id == document["id"]))
        await forget_words(session)

    async with sessions() as session:
        for kind in (SearchText, SearchWord):
            mine = sa.select(sa.func.count()).select_from(kind).where(kind.user_id == user_id)
            assert await session.scalar(mine) == 0


async def test_words_stay_while_there_are_documents(
    keep: Keep, sessions: Sessions, user_id: UUID
) -> None:
    await keep({"title": "Schwertfisch"})
    async with transaction(sessions) as session:
        await forget_words(session)
        words = await session.scalars(sa.select(SearchWord.word).filter_by(user_id=user_id))
        assert "schwertfisch" in words.all()


async def _left(sessions: Sessions, document: dict[str, Any]) -> list[int]:
    async with sessions() as session:
        pages = sa.select(SearchBacklog.page).where(SearchBacklog.job_id == document["job_id"])
        return list(await session.scalars(pages.order_by(SearchBacklog.page)))


async def _make_due(sessions: Sessions, document: dict[str, Any]) -> None:
    async with transaction(sessions) as session:
        mine = sa.update(SearchBacklog).where(SearchBacklog.job_id == document["job_id"])
        await session.execute(mine.values(due_at=now()))


async def _index_all(indexer: Indexer) -> None:
    while await indexer.index_some():
        pass
