"""What can be done with categories, suppliers and tags.

An entry is locked before the documents that hold it, so whoever writes a document that is to hold
some calls `remember_tags` and `check_references` before locking it: nobody waits in a circle.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Generic
from uuid import UUID, uuid4

import sqlalchemy as sa
from common.pagination import PageRequest
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from documents.base import now
from documents.catalogue.models import Tag
from documents.catalogue.nouns import E, Noun
from documents.catalogue.repository import CatalogueRepository


class CatalogueService(Generic[E]):
    """The use cases of one kind of entry."""

    def __init__(self, session: AsyncSession, noun: Noun[E]) -> None:
        self._session = session
        self._noun = noun

    async def list(
        self, owner_id: UUID, request: PageRequest
    ) -> tuple[Sequence[tuple[E, int]], int]:
        """Return a page of entries with the numbers of their documents, and how many there are."""
        entries = self._entries(owner_id)
        return await entries.page(request), await entries.count()

    async def get(self, owner_id: UUID, entry_id: UUID) -> tuple[E, int]:
        """Return an entry and the number of its documents."""
        return await self._entries(owner_id).get(entry_id)

    async def create(self, owner_id: UUID, values: Mapping[str, Any]) -> E:
        """Add an entry; its name must be free."""
        entry = self._noun.model(user_id=owner_id, **values)
        await self._entries(owner_id).save(entry)
        return entry

    async def change(
        self, owner_id: UUID, entry_id: UUID, values: Mapping[str, Any]
    ) -> tuple[E, int]:
        """Change an entry; the documents that hold its name hold the new one."""
        entries = self._entries(owner_id)
        entry = await entries.lock(entry_id)
        held, old_name = self._noun.held(entry), entry.name
        for name, value in values.items():
            setattr(entry, name, value)
        await entries.save(entry)
        revision = self._noun.renamed(old_name, entry.name)
        if revision and entry.name != old_name:
            await entries.revise_documents(held, revision)
        return await entries.get(entry_id)

    async def delete(self, owner_id: UUID, entry_id: UUID) -> None:
        """Delete an entry; the documents stay, without it."""
        entries = self._entries(owner_id)
        entry = await entries.lock(entry_id)
        await entries.revise_documents(self._noun.held(entry), self._noun.deleted(entry))
        await entries.delete(entry)

    def _entries(self, owner_id: UUID) -> CatalogueRepository[E]:
        return CatalogueRepository(self._session, self._noun, owner_id)


async def remember_tags(session: AsyncSession, owner_id: UUID, names: Sequence[str]) -> list[str]:
    """Make tags of those names that are none yet; return each once, as the owner's tag is spelled.

    What is returned is what a document is to hold. Until the transaction ends nobody can rename or
    delete these tags. Call it once, and before a document is locked.
    """
    found: dict[int, str] = {}
    while len(found) < len(names):  # again if somebody has deleted one between the two statements
        rows = [
            {"id": uuid4(), "user_id": owner_id, "name": name, "created_at": now()}
            for name in sorted(names, key=str.lower)  # two who add the same ones cannot deadlock
        ]
        await session.execute(insert(Tag).values(rows).on_conflict_do_nothing())
        # Which names are the same is left to the database, as the unique index decides it.
        wanted = (
            sa.func.unnest(sa.literal(names, sa.ARRAY(sa.Text)))
            .table_valued("name", with_ordinality="position")
            .render_derived()
        )
        tags = await session.execute(
            sa.select(wanted.c.position, Tag.name)
            .join(Tag, sa.func.lower(Tag.name) == sa.func.lower(wanted.c.name))
            .where(Tag.user_id == owner_id)
            .with_for_update(read=True, of=Tag)
        )
        found = dict(iter(tags))
    return list(dict.fromkeys(found[position] for position in sorted(found)))
