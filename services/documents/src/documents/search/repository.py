"""The queries of searching."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from documents.search.query import clean
from documents.search.spots import Lexemes

MOST_HITS = 1000
"""So many are ranked and counted: what a word on every page would cost has an end."""

_EXCERPT_CHARS = 20_000
_NEAR_WORDS = 50

# {D, C, B, A}: a title says more than many mentions on a page. 1 divides by the logarithm of the
# length, 32 maps to 0..1.
_SCORE = "ts_rank_cd('{0.02, 0.1, 0.4, 1.0}', texts.search, asked.query, 1 | 32)"


def _found(which: str) -> str:
    # Each language is asked for by itself, in its own configuration. The planner cannot know what
    # will be asked, so it takes it for something rare and the index for the way to it, always.
    return f"""
    SELECT hit.* FROM asked CROSS JOIN LATERAL (
        SELECT texts.document_id, texts.page, {_SCORE} AS score,
            documents.title, documents.created_at
        FROM search_texts AS texts JOIN documents ON documents.id = texts.document_id
        WHERE texts.user_id = :owner_id AND texts.language = asked.language AND {which}
            AND texts.search @@ asked.query AND documents.deleted_at IS NULL
            AND (CAST(:document_id AS uuid) IS NULL OR texts.document_id = :document_id)
        LIMIT {MOST_HITS}
    ) AS hit
    """  # noqa: S608 - put together from the constants of this file


_SEARCH = sa.text(
    f"""
    WITH asked AS MATERIALIZED (
        SELECT language, to_tsquery(search_config(language), :query) AS query
        FROM search_languages
        WHERE user_id = :owner_id
            AND (CAST(:language AS text) IS NULL OR language = search_language(:language))
    ),
    found AS MATERIALIZED (
        {_found("texts.page = 0")}
        UNION ALL
        {_found("texts.page > 0")}
        LIMIT {MOST_HITS}
    )
    SELECT total, hit.*, left(text, {_EXCERPT_CHARS}) AS text, language, result_key
    FROM (SELECT count(*) AS total FROM found) AS counted
    LEFT JOIN LATERAL (
        SELECT * FROM found ORDER BY score DESC, created_at DESC, document_id, page
        OFFSET :offset LIMIT :limit
    ) AS hit ON true
    LEFT JOIN search_texts USING (document_id, page)
    ORDER BY score DESC, created_at DESC, document_id, page
    """  # noqa: S608 - put together from the constants above
)

_LEXEMES = sa.text(
    """
    SELECT word, tsvector_to_array(lexemes) AS lexemes
    FROM (
        SELECT word, to_tsvector(search_config(:language), word) AS lexemes
        FROM unnest(CAST(:words AS text[])) AS word
    ) AS given
    WHERE lexemes @@ to_tsquery(search_config(:language), :terms)
    """
)

_NEAR = sa.text(
    f"""
    SELECT given.word AS given, unaccent(given.word) AS folded, near.word, near.folded AS near
    FROM unnest(CAST(:words AS text[])) AS given(word)
    CROSS JOIN LATERAL (
        SELECT word, folded FROM search_words
        WHERE user_id = :owner_id AND folded % unaccent(given.word)
        ORDER BY similarity(folded, unaccent(given.word)) DESC, word
        LIMIT {_NEAR_WORDS}
    ) AS near
    """  # noqa: S608 - put together from the constant above
)


@dataclass(frozen=True)
class Hit:
    """A text in which a query is found."""

    document_id: UUID
    page: int
    language: str
    title: str
    score: float
    text: str
    result_key: str | None


@dataclass(frozen=True)
class Found:
    """Some hits in their order, and how many there are."""

    hits: Sequence[Hit]
    total: int


class SearchRepository:
    """Finds what is searched in one session; never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def limit(self, *, seconds: float) -> None:
        """Let no query of this transaction take longer."""
        await self._session.execute(
            sa.select(sa.func.set_config("statement_timeout", f"{int(seconds * 1000)}ms", True))
        )

    async def find(
        self,
        tsquery: str,
        *,
        owner_id: UUID,
        language: str | None,
        document_id: UUID | None,
        offset: int,
        limit: int,
    ) -> Found:
        """Return the hits among the owner's texts, the best first."""
        result = await self._session.execute(
            _SEARCH,
            {
                "query": tsquery,
                "owner_id": owner_id,
                "language": language,
                "document_id": document_id,
                "offset": offset,
                "limit": limit,
            },
        )
        rows = result.all()
        hits = [
            Hit(r.document_id, r.page, r.language, r.title, r.score, clean(r.text), r.result_key)
            for r in rows
            if r.document_id is not None
        ]
        return Found(hits, rows[0].total)

    async def lexemes(self, language: str, words: Collection[str], *, terms: str) -> Lexemes:
        """Return what becomes of those words that match one of the terms."""
        asked = {"language": language, "words": list(words), "terms": terms}
        rows = await self._session.execute(_LEXEMES, asked)
        return {row.word: frozenset(row.lexemes) for row in rows}

    async def near(
        self, owner_id: UUID, words: Collection[str]
    ) -> dict[str, tuple[str, list[tuple[str, str]]]]:
        """Return for words: themselves without accents, and the owner's words that are like them.

        Those come as they are written and without accents, the most similar first.
        """
        threshold = sa.func.set_config("pg_trgm.similarity_threshold", "0.2", True)
        await self._session.execute(sa.select(threshold))
        rows = await self._session.execute(_NEAR, {"owner_id": owner_id, "words": list(words)})
        near: dict[str, tuple[str, list[tuple[str, str]]]] = {}
        for row in rows:
            near.setdefault(row.given, (row.folded, []))[1].append((row.word, row.near))
        return near
