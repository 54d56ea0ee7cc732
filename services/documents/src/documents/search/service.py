"""Searching: what is found, where it stands, and what a mistyped word may have meant."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import structlog
from common.database import Sessions, transaction
from common.errors import Unavailable
from common.pagination import Page, PageRequest
from common.storage import ObjectMissing, Storage
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from documents.search.errors import SearchTooBroad
from documents.search.query import Query
from documents.search.repository import Found, Hit, SearchRepository
from documents.search.results import read_page
from documents.search.schemas import SearchHit, SearchPage
from documents.search.spelling import nearest
from documents.search.spots import Box, Finder, snippet, words_of

logger = structlog.get_logger(__name__)

_AT_ONCE = 8
_BOXES_SECONDS = 2.0
_MOST_WORDS = 10_000
_QUERY_CANCELED = "57014"


class SearchService:
    """The use case of searching one's documents.

    The words of a user's language are not known, so each text is asked in its own: the query goes
    to every language in which the user has texts, in that language's configuration. "Häuser" then
    finds "Haus" where German is written, and no rule of English stems a German word.
    """

    def __init__(self, sessions: Sessions, storage: Storage, *, seconds: float = 5.0) -> None:
        self._sessions = sessions
        self._storage = storage
        self._seconds = seconds

    async def search(
        self,
        owner_id: UUID,
        text: str,
        page: PageRequest,
        *,
        language: str | None = None,
        document_id: UUID | None = None,
    ) -> SearchPage:
        """Return a page of hits; raises `SearchTooBroad`.

        The storage is asked after the transaction, and only for what is shown.
        """
        query, corrected = Query.parse(text), None
        async with self._transaction() as searching:

            async def look(query: Query) -> Found:
                return await searching.find(
                    query.tsquery(),
                    owner_id=owner_id,
                    language=language,
                    document_id=document_id,
                    offset=page.offset,
                    limit=page.page_size,
                )

            found = await look(query)
            if not found.total:
                better = await _corrected(searching, owner_id, query)
                if better is not None and (instead := await look(better)).total:
                    query, found, corrected = better, instead, better.text
            words = [words_of(hit.text) for hit in found.hits]
            finders = await _finders(searching, query, found.hits, words)
        places = await self._boxes(found.hits, finders)
        items = [
            _shown(hit, finders[hit.language].find(row), places.get(number, []))
            for number, (hit, row) in enumerate(zip(found.hits, words, strict=True))
        ]
        counted = Page.of(items, total=found.total, request=page)
        return SearchPage(**dict(counted), corrected_query=corrected)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[SearchRepository]:
        try:
            async with transaction(self._sessions) as session:
                searching = SearchRepository(session)
                await searching.limit(seconds=self._seconds)
                yield searching
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _QUERY_CANCELED:
                raise
            raise SearchTooBroad("Ask for something rarer, or in one document.") from error

    async def _boxes(
        self, hits: Sequence[Hit], finders: Mapping[str, Finder]
    ) -> dict[int, list[Box]]:
        """Return where the words are on the pages; what does not come in time is left out."""
        slots = asyncio.Semaphore(_AT_ONCE)

        async def places(hit: Hit, key: str) -> list[Box]:
            async with slots:
                try:
                    page = await read_page(self._storage, key)
                except (ObjectMissing, Unavailable, ValidationError) as error:
                    logger.warning("no boxes for a hit", result_key=key, error=repr(error))
                    return []
            words = [(word.text, word.bbox) for word in page.words[:_MOST_WORDS]]
            return finders[hit.language].boxes(words)

        tasks = {
            number: asyncio.create_task(places(hit, hit.result_key))
            for number, hit in enumerate(hits)
            if hit.result_key is not None
        }
        if tasks:
            _, late = await asyncio.wait(tasks.values(), timeout=_BOXES_SECONDS)
            for task in late:
                task.cancel()
        return {
            number: task.result()
            for number, task in tasks.items()
            if task.done() and not task.cancelled()
        }


async def _corrected(searching: SearchRepository, owner_id: UUID, query: Query) -> Query | None:
    """Return the query with the owner's own words in the place of unknown ones, if there are."""
    words = {term.word for term in query.misspellable() if len(term.word) >= 4}
    near = await searching.near(owner_id, {word.lower() for word in words})
    meant = {}
    for word in words:
        folded, known = near.get(word.lower(), ("", []))
        other = nearest(folded, known)
        if other is not None and all(folded != one for _, one in known):
            meant[word] = other
    return query.corrected(meant) if meant else None


async def _finders(
    searching: SearchRepository,
    query: Query,
    hits: Sequence[Hit],
    texts: Sequence[Sequence[str]],
) -> dict[str, Finder]:
    """Return by language who knows which of the words shown have been sought."""
    sought = query.sought()
    terms = {f"'{term.word}'" for wanted in sought for term in wanted.terms}
    terms |= {wanted.tsquery() for wanted in sought if wanted.prefix}
    words: defaultdict[str, set[str]] = defaultdict(set)
    for hit, text in zip(hits, texts, strict=True):
        words[hit.language].update(text)
    own = {term.word.lower() for wanted in sought for term in wanted.terms}
    return {
        language: Finder(
            sought, await searching.lexemes(language, known | own, terms=" | ".join(terms))
        )
        for language, known in words.items()
    }


def _shown(hit: Hit, found: Sequence[int], places: list[Box]) -> SearchHit:
    return SearchHit(
        document_id=hit.document_id,
        title=hit.title,
        page=hit.page or None,
        score=round(hit.score, 4),
        snippet=snippet(hit.text, found),
        boxes=places,
    )
