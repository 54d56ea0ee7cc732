"""The queries of lists and feeds; each is narrowed to one owner before anything else."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager
from sqlalchemy.sql.visitors import iterate

from documents.jobs.models import Job
from documents.listing.parameters import FeedRequest, ListRequest
from documents.models import Document


class ListingRepository:
    """Finds the documents of one owner; never writes."""

    def __init__(self, session: AsyncSession, owner_id: UUID) -> None:
        self._session = session
        self._mine = Document.user_id == owner_id
        # By hand, since conditions and orders are about both the document and its job.
        self._documents = (
            sa.select(Document)
            .join(Document.job)
            .options(contains_eager(Document.job))
            .where(self._mine)
        )

    async def page(self, request: ListRequest) -> Sequence[Document]:
        """Return one page of the documents that are wanted."""
        found = await self._session.scalars(
            self._documents.where(*request.conditions)
            .order_by(*request.order)
            .offset(request.page.offset)
            .limit(request.page.page_size)
        )
        return found.all()

    async def count(self, request: ListRequest) -> int:
        """Return how many documents are wanted."""
        counted = sa.select(sa.func.count()).select_from(Document)
        if any(_asks_about_job(condition) for condition in request.conditions):
            counted = counted.join(Document.job)
        total = await self._session.scalar(counted.where(self._mine, *request.conditions))
        return total or 0

    async def feed(self, request: FeedRequest) -> Sequence[Document]:
        """Return the documents after the cursor, one more than is asked for if there is one."""
        query = self._documents.where(*request.conditions)
        if request.after is not None:
            # As one comparison of rows: PostgreSQL starts reading the index at this very place.
            last = (sa.literal(request.after.created_at), sa.literal(request.after.id))
            query = query.where(sa.tuple_(Document.created_at, Document.id) < sa.tuple_(*last))
        found = await self._session.scalars(
            query.order_by(Document.created_at.desc(), Document.id.desc()).limit(request.limit + 1)
        )
        return found.all()


def _asks_about_job(condition: sa.ColumnElement[bool]) -> bool:
    """Tell whether a condition is about the job; if none is, counting need not look at jobs."""
    return any(getattr(element, "table", None) is Job.__table__ for element in iterate(condition))
