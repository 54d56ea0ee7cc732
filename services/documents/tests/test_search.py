"""What is found, by whom, and in which order."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

Keep = Callable[..., Awaitable[list[UUID]]]
Read = Callable[..., Awaitable[None]]
SignIn = Callable[[UUID], httpx.AsyncClient]
Find = Callable[..., Awaitable[list[tuple[str, int | None]]]]


@pytest.fixture
def find(client: httpx.AsyncClient) -> Find:
    """Return the titles and pages that a query finds."""

    async def find(q: str, **more: Any) -> list[tuple[str, int | None]]:
        answer = await client.get("/search", params={"q": q, **more})
        assert answer.status_code == 200, answer.text
        return [(hit["title"], hit["page"]) for hit in answer.json()["items"]]

    return find


async def test_words_of_the_owner_and_of_pages_are_found(
    keep: Keep, read: Read, find: Find
) -> None:
    (document,) = await keep(
        {
            "title": "Mietvertrag",
            "description": "Wohnung im Erdgeschoss",
            "filename": "Scan_Kaution-2024.pdf",
            "tags": ["wichtig", "Zuhause/Berlin"],
            "custom": {"Ort": "Kreuzberg", "mehr": [{"Makler": "Schmidt"}, 4711]},
            "language": "de",
        }
    )
    await read(document, "Erste Seite", "Die Hausordnung gilt Einzug/Auszug www.beispiel.de/pfad")

    own = "Mietvertrag Erdgeschoss Kaution 2024 wichtig Berlin Kreuzberg Schmidt 4711"
    for word in own.split():
        assert await find(word) == [("Mietvertrag", None)], word
    assert await find(own) == [("Mietvertrag", None)]
    for word in ("Hausordnung", "Auszug", "beispiel", "www.beispiel.de"):
        assert await find(word) == [("Mietvertrag", 2)], word
    assert await find("Mietvertrag Hausordnung") == []  # not in the same place


async def test_what_the_owner_says_anew_is_found_at_once(
    keep: Keep, find: Find, client: httpx.AsyncClient
) -> None:
    (document,) = await keep({"title": "Unbenannt"})

    changed = await client.patch(f"/documents/{document}", json={"title": "Steuerbescheid"})

    assert changed.status_code == 200, changed.text
    assert await find("Steuerbescheid") == [("Steuerbescheid", None)]
    assert await find("Unbenannt") == []


@pytest.mark.parametrize(
    ("query", "pages"),
    [
        ("quick fox", [1, 2]),
        ('"quick fox"', [2]),
        ('"quick brown fox"', [1]),
        ("brown OR red", [1, 3]),
        ("fox -brown", [2]),
        ('fox -"quick fox"', [1]),
        ("-quick", [0, 3]),  # nor does what its owner says of the document
        ("bro*", [1]),
        ('"quick br*"', []),
        ("red OR", [3]),
        ("OR red", [3]),
        ("red OR OR brown", [1, 3]),
        ("wolf-house", [3]),
        ("house-wolf", []),
        ('"red wolf', [3]),
        ("quick fox OR wolf red", [1, 2, 3]),
        ("zebra", []),
    ],
)
async def test_the_language_of_queries(
    keep: Keep, read: Read, find: Find, query: str, pages: list[int]
) -> None:
    (document,) = await keep({"language": "en"})
    await read(document, "the quick brown fox", "a quick fox and a cat", "red wolf house")

    assert sorted(page or 0 for _, page in await find(query)) == pages


async def test_the_title_comes_before_the_page(keep: Keep, read: Read, find: Find) -> None:
    often, titled, once = await keep(
        {"title": "often"}, {"title": "Invoice of May"}, {"title": "once"}
    )
    await read(often, "invoice " * 40 + "and more")
    await read(once, "an invoice among many other words that say something else altogether")
    await read(titled, "nothing of the kind")

    assert await find("invoice") == [("Invoice of May", None), ("often", 1), ("once", 1)]


async def test_hits_are_paged_and_counted(
    keep: Keep, read: Read, client: httpx.AsyncClient
) -> None:
    (document,) = await keep({"title": "Book"})
    await read(document, *(["whale " * n for n in range(1, 8)]))

    answers = [
        (await client.get("/search", params={"q": "whale", "page": n, "page_size": 3})).json()
        for n in (1, 2, 3, 4)
    ]

    assert [[hit["page"] for hit in answer["items"]] for answer in answers] == [
        [7, 6, 5],
        [4, 3, 2],
        [1],
        [],
    ]
    assert {answer["total"] for answer in answers} == {7}
    assert [answer["has_next"] for answer in answers] == [True, True, False, False]
    scores = [hit["score"] for answer in answers for hit in answer["items"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score < 1 for score in scores)


async def test_a_document_or_a_language_can_be_asked_for(
    keep: Keep, read: Read, find: Find
) -> None:
    german, english = await keep({"title": "de"}, {"title": "en"})
    await read(german, "Hotel am See", language="deu")
    await read(english, "Hotel by the lake", language="eng")

    assert len(await find("hotel")) == 2
    assert await find("hotel", document_id=str(english)) == [("en", 1)]
    assert await find("hotel", document_id=str(uuid4())) == []
    assert await find("hotel", language="de") == [("de", 1)]
    assert await find("hotel", language="ENG") == [("en", 1)]
    assert await find("hotel", language="fr") == []
    (polish,) = await keep({"title": "hotel", "language": "pl"})
    await read(polish, "hotel", language="pol")
    assert len(await find("hotel", language="pl")) == 2


async def test_deleted_documents_vanish_and_come_back(
    keep: Keep, read: Read, find: Find, client: httpx.AsyncClient
) -> None:
    (document,) = await keep({"title": "Tagebuch"})
    await read(document, "Heute war es schön")

    assert (await client.delete(f"/documents/{document}")).status_code == 204
    assert await find("Tagebuch OR schön") == []
    await read(document, "Gestern war es schöner", first=2)
    assert await find("Gestern") == []


async def test_strangers_find_nothing(
    keep: Keep, read: Read, sign_in: SignIn, user_id: UUID
) -> None:
    (mine,) = await keep({"title": "Geheimnis"})
    await read(mine, "Die Losung lautet Schwertfisch")
    stranger_id = uuid4()
    (theirs,) = await keep({"title": "Harmlos"}, owner_id=stranger_id)
    await read(theirs, "Nichts zu sehen")

    async with sign_in(stranger_id) as stranger:
        # The mistyped words are near to words that only the other one has.
        for query in ("Schwertfisch", "Schwertfsich", "Geheimnis", "Geheimnsi", "Los*", "-Nichts"):
            answer = (await stranger.get("/search", params={"q": query})).json()
            assert "Schwertfisch" not in str(answer)
            assert all(hit["document_id"] == str(theirs) for hit in answer["items"])
            assert answer["corrected_query"] is None
        for query in ("Schwertfisch", "Geheimnis"):
            mine_only = {"q": query, "document_id": str(mine)}
            assert (await stranger.get("/search", params=mine_only)).json()["total"] == 0


async def test_a_mistyped_word_is_corrected(
    keep: Keep, read: Read, client: httpx.AsyncClient
) -> None:
    (document,) = await keep({"title": "Brief", "language": "de"})
    await read(document, "Die Rechnung über den Ärger mit der Straßenbahn")

    async def ask(q: str) -> tuple[int, str | None]:
        answer = (await client.get("/search", params={"q": q})).json()
        return answer["total"], answer["corrected_query"]

    assert await ask("Rechnung") == (1, None)
    assert await ask("Rehcnung") == (1, "rechnung")
    assert await ask('"Rechnugn über"') == (1, '"rechnung über"')
    assert await ask("Rechnung Aerrger -Katze") == (1, "Rechnung ärger -Katze")
    assert await ask("Strasenban") == (1, "straßenbahn")
    assert await ask("Rechnungsdatum") == (0, None)
    assert await ask("Rehcnung Elefant") == (0, None)  # the correction would find nothing


async def test_no_word_of_a_deleted_document_is_proposed(
    keep: Keep, read: Read, client: httpx.AsyncClient
) -> None:
    document, _ = await keep({"title": "eins"}, {"title": "zwei"})
    await read(document, "Schwertfisch")
    await client.delete(f"/documents/{document}")

    answer = (await client.get("/search", params={"q": "Schwertfsich"})).json()

    assert (answer["total"], answer["corrected_query"]) == (0, None)
