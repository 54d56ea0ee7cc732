"""Whatever somebody types, the answer is hits, no hits, or a 422."""

import re
from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from common.database import Sessions, open_database
from common.pagination import PageRequest
from common.settings import StorageSettings
from common.storage import Storage
from documents.search.errors import SearchTooBroad
from documents.search.service import SearchService
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Keep = Callable[..., Awaitable[list[UUID]]]
Read = Callable[..., Awaitable[None]]
Slug = Callable[[httpx.Response], str]

SYNTAX = r""" " ' '' - OR or * wo* ( ) & | ! <-> :* :A \ \' <2> -- /* ; $$ % a-b """
ODD = [
    "haus",
    "See",
    "die",
    "ß",
    "日本",
    "كتاب",
    "\u0600",
    "e\u0301",
    "\u200d",
    "\ue000",
    "\U0001f600",
    " ",
    "\t",
    "\n",
]
ANYTHING = st.text(min_size=1, max_size=120) | st.lists(
    st.sampled_from([*SYNTAX.split(), *ODD]), min_size=1, max_size=20
).map("".join)


@pytest.fixture
async def library(keep: Keep, read: Read) -> UUID:
    (document,) = await keep({"title": "Haus am See", "language": "de"})
    await read(document, "Die Häuser am See", language="deu")
    await read(document, "The house's lake \\ 'quoted' 1.5", first=2, language="eng")
    return document


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(q=ANYTHING)
async def test_any_query_is_answered(library: UUID, client: httpx.AsyncClient, q: str) -> None:
    assert library

    response = await client.get("/search", params={"q": q})

    if response.status_code == 422:
        assert "\x00" in q or not q.strip()
        return
    assert response.status_code == 200, response.text
    for hit in response.json()["items"]:
        assert re.fullmatch(r"([^<>&]|</?mark>|&(amp|lt|gt|quot|#x27);)*", hit["snippet"])


@pytest.mark.parametrize(
    "query",
    [
        "'; DROP TABLE documents; --",
        "haus') OR 1=1 --",
        "haus:*A & !see",
        "\\'haus\\' | see",
        "!!haus",
        "haus <-> see <3> x",
        "$1 %s {0} :owner_id",
        "((((haus",
    ],
)
async def test_what_looks_like_a_language_is_text(
    library: UUID, client: httpx.AsyncClient, query: str
) -> None:
    response = await client.get("/search", params={"q": query})

    assert response.status_code == 200
    documents = {hit["document_id"] for hit in response.json()["items"]}
    assert documents <= {str(library)}
    assert (await client.get("/search", params={"q": "haus"})).json()["total"] >= 2


@pytest.mark.parametrize("query", ["die der und", '"am"', "the", "!?", "...", "*", "-", '""', "OR"])
async def test_a_query_that_says_nothing_finds_nothing(
    keep: Keep, client: httpx.AsyncClient, query: str
) -> None:
    await keep({"title": "Die der und am", "language": "de"}, {"title": "the", "language": "en"})

    answer = (await client.get("/search", params={"q": query, "language": "de"})).json()

    assert (answer["items"], answer["total"]) == ([], 0)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=",
        "q=%20%09",
        "q=a%00b",
        "q=" + "x" * 501,
        "q=a&page=0",
        "q=a&page_size=101",
        "q=a&language=d",
        "q=a&language=de%2Ben",
        "q=a&document_id=1",
    ],
)
async def test_a_bad_request_is_refused(client: httpx.AsyncClient, slug: Slug, query: str) -> None:
    response = await client.get(f"/search?{query}")

    assert response.status_code == 422
    assert slug(response) == "invalid-input"


async def test_long_queries_are_answered(library: UUID, client: httpx.AsyncClient) -> None:
    assert library
    for query in ("x" * 500, "ab* OR " * 71, "-" * 500, '"' * 500, "ä" * 500, "a b " * 125):
        assert (await client.get("/search", params={"q": query})).status_code == 200


async def test_a_search_that_takes_too_long_is_ended(
    library: UUID,
    user_id: UUID,
    sessions: Sessions,
    database_url: str,
    storage_settings: StorageSettings,
) -> None:
    assert library
    searching = SearchService(sessions, Storage(storage_settings), seconds=0.1)
    async with open_database(database_url) as (engine, _), engine.connect() as other:
        await other.execute(sa.text("LOCK TABLE search_texts"))  # nothing ends a search so surely
        with pytest.raises(SearchTooBroad):
            await searching.search(user_id, "haus", PageRequest(1, 20))
    assert (await searching.search(user_id, "haus", PageRequest(1, 20))).total
