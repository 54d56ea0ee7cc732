"""The queries about categories, suppliers and tags, and about the documents that hold them."""

from collections.abc import Sequence
from typing import Generic
from uuid import UUID

import sqlalchemy as sa
from common.pagination import PageRequest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from documents.catalogue.nouns import E, Noun, Values
from documents.models import Document


class CatalogueRepository(Generic[E]):
    """Finds and keeps one owner's entries of one kind; never commits."""

    def __init__(self, session: AsyncSession, noun: Noun[E], owner_id: UUID) -> None:
        self._session = session
        self._noun = noun
        self._mine = noun.model.user_id == owner_id
        self._my_documents = Document.user_id == owner_id
        count = (
            sa.select(sa.func.count())
            .select_from(Document)
            .where(self._my_documents, Document.deleted_at.is_(None), noun.held(noun.model))
            .correlate(noun.model)
        )
        self._counted = sa.select(noun.model, count.scalar_subquery()).where(self._mine)

    async def page(self, request: PageRequest) -> Sequence[tuple[E, int]]:
        """Return a page of the entries by name, each with the number of its documents."""
        rows = await self._session.execute(
            self._counted.order_by(sa.func.lower(self._noun.model.name))
            .offset(request.offset)
            .limit(request.page_size)
        )
        return [(entry, count) for entry, count in rows]

    async def count(self) -> int:
        """Return how many entries there are."""
        total = await self._session.scalar(
            sa.select(sa.func.count()).select_from(self._noun.model).where(self._mine)
        )
        return total or 0

    async def get(self, entry_id: UUID) -> tuple[E, int]:
        """Return an entry with the number of its documents; raises the noun's `not_found`."""
        row = (
            await self._session.execute(self._counted.where(self._noun.model.id == entry_id))
        ).one_or_none()
        if row is None:
            raise self._noun.not_found
        entry, count = row
        return entry, count

    async def lock(self, entry_id: UUID) -> E:
        """Return an entry that nobody else changes; raises the noun's `not_found`."""
        entry: E | None = await self._session.scalar(
            sa.select(self._noun.model)
            .where(self._mine, self._noun.model.id == entry_id)
            .with_for_update()
        )
        if entry is None:
            raise self._noun.not_found
        return entry

    async def save(self, entry: E) -> None:
        """Write an entry that is new or changed; raises the noun's `exists`."""
        self._session.add(entry)
        try:
            await self._session.flush()
        except IntegrityError as error:
            constraint = getattr(error.driver_exception, "constraint_name", None)
            if constraint == f"uq_{self._noun.model.__tablename__}_user_id_name":
                raise self._noun.exists from error
            raise

    async def delete(self, entry: E) -> None:
        """Delete an entry."""
        await self._session.delete(entry)
        await self._session.flush()

    async def revise_documents(self, held: sa.ColumnElement[bool], values: Values) -> None:
        """Change the documents that hold an entry, those in the trash included."""
        # In the order of their ids, as a flush writes them: two who change the same documents
        # cannot wait for each other in a circle.
        locked = (
            sa.select(Document.id)
            .where(self._my_documents, held)
            .order_by(Document.id)
            .with_for_update()
            .cte()
        )
        await self._session.execute(
            sa.update(Document)
            .where(Document.id.in_(sa.select(locked.c.id)))
            .values(**values, version=Document.version + 1)
            .execution_options(synchronize_session=False)
        )
