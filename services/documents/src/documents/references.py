"""What a document may point to: a category and a supplier of its owner's."""

from collections.abc import Mapping
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from documents.catalogue.models import Category, Supplier
from documents.errors import UnknownReference

_KINDS: Mapping[str, type[Category | Supplier]] = {
    "category_id": Category,
    "supplier_id": Supplier,
}


async def check_references(
    session: AsyncSession, owner_id: UUID, fields: Mapping[str, object]
) -> None:
    """Raise `UnknownReference` for what the owner does not have.

    What is found cannot be deleted until the transaction ends. Call it before a document is
    locked: whoever deletes a category locks that first and its documents afterwards.
    """
    for field, kind in _KINDS.items():
        if (wanted := fields.get(field)) is not None:
            mine = sa.select(kind.id).where(kind.id == wanted, kind.user_id == owner_id)
            if not await session.scalar(mine.with_for_update(read=True, key_share=True)):
                raise UnknownReference(field)
