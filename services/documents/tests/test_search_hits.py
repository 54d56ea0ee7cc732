"""How a hit is shown: its snippet, and the boxes of its words."""

import html
import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from common.database import Sessions
from common.pagination import PageRequest
from common.settings import StorageSettings
from common.storage import Storage
from documents.jobs.models import Job
from documents.search.service import SearchService

Keep = Callable[..., Awaitable[list[UUID]]]
Read = Callable[..., Awaitable[None]]
Ask = Callable[[str], Awaitable[dict[str, Any]]]


@pytest.fixture
def ask(client: httpx.AsyncClient) -> Ask:
    """Return the one hit of a query."""

    async def ask(q: str) -> dict[str, Any]:
        (hit,) = (await client.get("/search", params={"q": q})).json()["items"]
        return dict(hit)

    return ask


async def test_a_snippet_is_escaped(keep: Keep, read: Read, ask: Ask) -> None:
    (document,) = await keep({"title": "<b>Titel</b> & mehr"})
    nasty = '<script>alert("x")</script> <mark>fake</mark> \ue000Haus\ue001 & "needle\'s" &amp;'
    await read(document, nasty)

    hit = await ask("needle alert")
    title = await ask("mehr")

    assert hit["snippet"] == (
        "&lt;script&gt;<mark>alert</mark>(&quot;x&quot;)&lt;/script&gt; "
        "&lt;mark&gt;fake&lt;/mark&gt; \ue000Haus\ue001 &amp; "
        "&quot;<mark>needle</mark>&#x27;s&quot; &amp;amp;"
    )
    assert html.unescape(re.sub("</?mark>", "", hit["snippet"])) == nasty
    assert title["snippet"] == "&lt;b&gt;Titel&lt;/b&gt; &amp; <mark>mehr</mark> scan.pdf"
    assert (title["page"], title["boxes"]) == (None, [])
    assert title["title"] == "<b>Titel</b> & mehr"  # as everywhere in JSON


async def test_a_snippet_is_short_and_shows_where_most_is(keep: Keep, read: Read, ask: Ask) -> None:
    (document,) = await keep({"title": "t"})
    filling = "lorem ipsum dolor sit amet " * 50
    await read(document, f"needle {filling} a needle\nin the  hay {filling} hay")

    snippet = (await ask("hay needle"))["snippet"]

    assert "a <mark>needle</mark> in the <mark>hay</mark> lorem" in snippet
    assert snippet.startswith("… ")
    assert snippet.endswith(" …")
    assert len(snippet) < 320


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("haus", [1, 4, 7]),
        ('"haus am see"', [1, 2, 3]),
        ('"am see" neu', [2, 3, 6]),
        ('"see häuser" neu', [3, 4, 6]),
        ("se*", [3, 5]),
        ("haus OR neu -katze", [1, 4, 6, 7]),
        ("hund OR neu -katze OR see -haus", [3, 6]),
        ("e-mail", [8]),
    ],
)
async def test_boxes_are_those_of_the_words_that_were_sought(
    keep: Keep, read: Read, ask: Ask, query: str, words: list[int]
) -> None:
    (document,) = await keep({"title": "t"})
    text = "Das Haus am See, (Häuser) sehen neue »Haus« E-Mail"
    await read(document, text, language="deu")

    boxes = (await ask(query))["boxes"]

    assert boxes == [[x * 10, 0, x * 10 + 10, 8] for x in words]


async def test_a_hit_without_its_result_object_has_no_boxes(
    keep: Keep, read: Read, ask: Ask, sessions: Sessions, storage_settings: StorageSettings
) -> None:
    gone, broken = await keep({"title": "a"}, {"title": "b"})
    await read(gone, "eins zwei")
    await read(broken, "drei vier")
    async with sessions() as session:
        jobs = {row.document_id: row.id for row in await session.execute(sa.select(Job.__table__))}
    storage = Storage(storage_settings)
    await storage.delete(f"results/{jobs[gone]}/1.json")
    key = f"results/{jobs[broken]}/1.json"
    await storage.put(key, b'{"text": 1', content_type="application/json")
    storage.close()

    for word in ("zwei", "vier"):
        hit = await ask(word)
        assert f"<mark>{word}</mark>" in hit["snippet"]
        assert hit["boxes"] == []


async def test_without_the_storage_there_are_hits_without_boxes(
    keep: Keep, read: Read, sessions: Sessions, storage_settings: StorageSettings, user_id: UUID
) -> None:
    (document,) = await keep({"title": "a"})
    await read(document, "eins zwei")
    gone = storage_settings.model_dump() | {"s3_endpoint": "http://127.0.0.1:9"}
    storage = Storage(StorageSettings.model_validate(gone))

    answer = await SearchService(sessions, storage).search(user_id, "zwei", PageRequest(1, 20))

    assert [(hit.snippet, hit.boxes) for hit in answer.items] == [("eins <mark>zwei</mark>", [])]
    storage.close()
