"""Pages become searchable: at once when they have been read, and later if that went wrong."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
import structlog
from common.broker import QueueSpec
from common.consumer import Handlers
from common.database import Sessions, transaction
from common.envelope import Envelope
from common.storage import ObjectMissing, Storage
from contracts import OcrPageCompleted
from sqlalchemy.ext.asyncio import AsyncSession

from documents.base import now
from documents.models import Document
from documents.search.models import SearchBacklog, SearchLanguage, SearchWord
from documents.search.query import clean
from documents.search.results import read_page

logger = structlog.get_logger(__name__)

QUEUE = QueueSpec("documents.search", events=(OcrPageCompleted.name,))
"""Its own, so that the counting of pages never waits for their texts."""

_MOST_BYTES = 256 << 10
"""A text of so many bytes stays below the megabyte that a tsvector may have, whatever is in it."""
_AT_ONCE = 8
_BATCH = 64
_LOOK_SECONDS = 30.0
_TURN = timedelta(minutes=10)

# A repeat writes nothing, and a page of a document that is gone finds no job to belong to.
_INDEX = sa.text(
    """
    INSERT INTO search_texts AS known
        (document_id, page, user_id, language, result_key, text, search)
    SELECT documents.id, :page, documents.user_id, spoken, :result_key, :text,
        search_vector(spoken, :text)
    FROM jobs JOIN documents ON documents.id = jobs.document_id
    CROSS JOIN LATERAL search_language(coalesce(:language, documents.language)) AS spoken
    WHERE jobs.id = :job_id
    ON CONFLICT (document_id, page) DO UPDATE
    SET language = EXCLUDED.language, result_key = EXCLUDED.result_key, text = EXCLUDED.text,
        search = EXCLUDED.search
    WHERE (known.language, known.result_key, known.text)
        IS DISTINCT FROM (EXCLUDED.language, EXCLUDED.result_key, EXCLUDED.text)
    """
)


class Indexer:
    """Puts the texts of pages where they are searched.

    A page can be indexed again and at any time: the event may come before the page is counted,
    long after, or twice. Therefore there is no note in the inbox either; there, the queue that
    counts the pages has its own for the same event.
    """

    def __init__(self, sessions: Sessions, storage: Storage) -> None:
        self._sessions = sessions
        self._storage = storage

    def handlers(self) -> Handlers:
        """Return who handles what."""
        return {OcrPageCompleted: self._page_completed}

    async def index(self, job_id: UUID, page: int, result_key: str) -> None:
        """Index a page; the storage is asked outside of any transaction."""
        try:
            result = await read_page(self._storage, result_key)
        except ObjectMissing:
            logger.info("page is gone", result_key=result_key)
            result = None
        about = {"job_id": job_id, "page": page}
        async with transaction(self._sessions) as session:
            if result is not None:
                text = clean(result.text).encode()[:_MOST_BYTES].decode(errors="ignore")
                known = {"language": result.language, "text": text, "result_key": result_key}
                await session.execute(_INDEX, about | known)
            await session.execute(sa.delete(SearchBacklog).filter_by(job_id=job_id, page=page))

    async def run(self) -> None:
        """Index for ever what the events have left over, as pages from before the first release.

        A trigger notes every page that is read, and `index` strikes it off; what is still there
        after ten minutes is taken from here, each page by one replica.
        """
        while True:
            try:
                more = await self.index_some()
            except Exception:  # whatever it was, it will be different later
                logger.exception("indexing failed, will go on later")
                more = False
            if not more:
                await asyncio.sleep(_LOOK_SECONDS)

    async def index_some(self) -> bool:
        """Index some pages that are due; tell whether there were any."""
        async with transaction(self._sessions) as session:
            due = await _take(session)
        slots = asyncio.Semaphore(_AT_ONCE)

        async def index(page: SearchBacklog) -> None:
            async with slots:
                await self.index(page.job_id, page.page, page.result_key)

        outcomes = await asyncio.gather(*(index(page) for page in due), return_exceptions=True)
        _report(outcomes)
        return bool(due)

    async def _page_completed(self, event: OcrPageCompleted, _: Envelope) -> None:
        await self.index(event.job_id, event.page, event.result_key)


async def forget_words(session: AsyncSession) -> None:
    """Forget the words of users who have no documents left."""
    left = sa.exists().where(Document.user_id == SearchLanguage.user_id)
    gone = sa.select(SearchLanguage.user_id).where(~left)
    await session.execute(sa.delete(SearchWord).where(SearchWord.user_id.in_(gone)))


async def _take(session: AsyncSession) -> Sequence[SearchBacklog]:
    """Return pages that are due; whoever takes one has ten minutes, then it is another's turn."""
    pages = await session.scalars(
        sa.select(SearchBacklog)
        .where(SearchBacklog.due_at <= sa.func.now())
        .order_by(SearchBacklog.due_at)
        .limit(_BATCH)
        .with_for_update(skip_locked=True)
    )
    taken = pages.all()
    for page in taken:
        page.due_at = now() + _TURN
    return taken


def _report(outcomes: Sequence[BaseException | None]) -> None:
    for outcome in outcomes:
        if outcome is not None:
            logger.error("page not indexed, will try again", exc_info=outcome)
