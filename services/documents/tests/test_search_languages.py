"""Words are found in whatever form their language gives them, with and without accents."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx
import pytest

Keep = Callable[..., Awaitable[list[UUID]]]
Read = Callable[..., Awaitable[None]]


@pytest.mark.parametrize(
    ("language", "text", "query"),
    [
        ("deu", "Die Häuser am Fluß", "Haus"),
        ("deu", "Das Haus am Fluß", "Häusern"),
        ("deu", "Das Haus am Fluß", "Fluss"),
        ("deu", "Ärger", "arger"),
        ("deu", "arger", "Ärger"),
        ("deu+eng", "Verträge", "Vertrag"),
        ("eng", "running shoes", "shoe runs"),
        ("eng", "invoices", "invoice"),
        ("fra", "un café serré", "cafe"),
        ("fra", "les cafes", "café"),
        ("fra", "des chevaux généreux", "généreuse"),
        ("spa", "canciones", "cancion"),
        ("ara", "قرأت الكتاب في المكتبة", "كتاب"),
        ("ara", "كِتَاب", "كتاب"),
        ("rus", "в новых домах", "дом"),
        ("hin", "हिन्दी में लिखा", "हिन्दी"),
        ("tlh", "tlhIngan Hol", "hol"),
        (None, "O’Neill’s cafe\u0301", "café o'neill"),
        (None, "ﬁnden ﬂuo\u00adreszent", "finden fluoreszent"),
        (None, "東京 大阪", "大阪"),
        (None, "3.500,00 €", "3.500,00"),
        (None, "a <script>alert</script> b", "script"),
    ],
)
async def test_forms_of_words(
    *,
    keep: Keep,
    read: Read,
    client: httpx.AsyncClient,
    language: str | None,
    text: str,
    query: str,
) -> None:
    (document,) = await keep({"title": ""})
    await read(document, text, language=language)

    answer = (await client.get("/search", params={"q": query})).json()

    assert [hit["page"] for hit in answer["items"]] == [1]
    assert answer["corrected_query"] is None
    assert "<mark>" in answer["items"][0]["snippet"]
    assert answer["items"][0]["boxes"]


async def test_one_query_asks_every_language_in_its_own_way(
    keep: Keep, read: Read, client: httpx.AsyncClient
) -> None:
    german, english, unknown = await keep({"title": "x"}, {"title": "y"}, {"title": "z"})
    await read(german, "Die Hände der Häuser und Hotels", "Ein Haus ohne Hand", language="deu")
    await read(english, "The hands of hotels", "A hotel in hand, and die!", language="eng")
    await read(unknown, "hotels", "hotel")

    async def find(q: str) -> set[tuple[str, int]]:
        answer = (await client.get("/search", params={"q": q})).json()
        return {(hit["title"], hit["page"]) for hit in answer["items"]}

    assert await find("hotels") == {("x", 1), ("y", 1), ("y", 2), ("z", 1)}
    assert await find("Haus") == {("x", 1), ("x", 2)}
    # "die" says nothing in German, so it may be missing there, and something in English.
    assert await find("die hand") == {("x", 1), ("x", 2), ("y", 2)}
    assert await find("Hand -Häuser") == {("y", 1), ("y", 2)}


async def test_a_page_is_in_its_own_language_or_else_in_that_of_its_document(
    keep: Keep, read: Read, client: httpx.AsyncClient
) -> None:
    (document,) = await keep({"title": "t", "language": "de+en"})
    await read(document, "Häuser")
    await read(document, "houses", first=2, language="eng")

    for query, page in (("Haus", 1), ("house", 2)):
        answer = (await client.get("/search", params={"q": query})).json()
        assert [hit["page"] for hit in answer["items"]] == [page]
