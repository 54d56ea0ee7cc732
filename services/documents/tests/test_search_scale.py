"""With many pages, of many users, it is the index that finds."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from common.database import Sessions, transaction
from documents.search import repository
from documents.search.query import Query
from documents.search.repository import MOST_HITS, SearchRepository

Keep = Callable[..., Awaitable[list[UUID]]]

PAGES = 20_000
# Each page holds its number, one of ten colours and a word that stands on all of them.
FILL = sa.text(
    """
    INSERT INTO search_texts (document_id, page, user_id, language, text, search)
    SELECT :document_id, page, :user_id, 'de', words, to_tsvector('quire_german', words)
    FROM generate_series(1, :pages) AS page,
    LATERAL (SELECT concat('überall zahl', page, ' farbe', page % 10) AS words)
    """
)


@pytest.fixture
async def users(sessions: Sessions, keep: Keep) -> AsyncIterator[list[UUID]]:
    """Return a user with many pages and one with three."""
    users = [uuid4(), uuid4()]
    documents = []
    for user_id, pages in zip(users, (PAGES, 3), strict=True):
        (document,) = await keep({"title": "Lexikon", "language": "de"}, owner_id=user_id)
        documents.append(document)
        async with transaction(sessions) as session:
            about = {"document_id": document, "user_id": user_id, "pages": pages}
            # Without noting the words, which nobody asks for here.
            await session.execute(sa.text("ALTER TABLE search_texts DISABLE TRIGGER USER"))
            await session.execute(FILL, about)
            await session.execute(sa.text("ALTER TABLE search_texts ENABLE TRIGGER USER"))
    async with transaction(sessions) as session:
        await session.execute(sa.text("ANALYZE search_texts, documents, search_languages"))
    yield users
    async with transaction(sessions) as session:
        await session.execute(
            sa.text("DELETE FROM search_texts WHERE document_id = ANY(:d)"), {"d": documents}
        )


@pytest.mark.parametrize(
    "query", ["zahl777", "überall", '"farbe3 überall" OR zahl7', "zah* -farbe1"]
)
async def test_the_index_finds(sessions: Sessions, users: list[UUID], query: str) -> None:
    asked = {"language": None, "document_id": None, "offset": 0, "limit": 20}
    explain = sa.text(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {repository._SEARCH.text}")
    for owner_id in users:
        values = {**asked, "owner_id": owner_id, "query": Query.parse(query).tsquery()}
        async with sessions() as session:
            plan = "\n".join(await session.scalars(explain, values))
        assert "Bitmap Index Scan on ix_search_texts_pages" in plan
        assert "Bitmap Index Scan on ix_search_texts_documents" in plan
        assert "Seq Scan on search_texts" not in plan


async def test_no_more_is_ranked_than_anybody_reads(sessions: Sessions, users: list[UUID]) -> None:
    asked: dict[str, Any] = {"language": None, "document_id": None, "limit": 20}
    async with sessions() as session:
        searching = SearchRepository(session)
        many = await searching.find("'überall'", owner_id=users[0], offset=980, **asked)
        few = await searching.find("'überall'", owner_id=users[1], offset=0, **asked)
        one = await searching.find("'zahl19999'", owner_id=users[0], offset=0, **asked)
        titled = await searching.find("'überall' | 'Lexikon'", owner_id=users[0], offset=0, **asked)

    assert (many.total, len(many.hits)) == (MOST_HITS, 20)
    assert (few.total, len(few.hits)) == (3, 3)
    assert [hit.page for hit in one.hits] == [19999]
    assert titled.hits[0].page == 0  # however many pages there are
