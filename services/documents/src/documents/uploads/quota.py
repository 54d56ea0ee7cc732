"""How much a user may store: documents, those in the trash included, and uploads under way.

Triggers count it (see the migration `uploads`). Their row is locked from the change that they
count to its commit, so that a check after the change, in the same transaction, is exact: two
uploads at the same moment cannot both take the last place.
"""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from documents.base import Base
from documents.uploads.errors import AccountClosed, QuotaExceeded
from documents.uploads.limits import UploadLimits

usage = sa.Table(
    "usage",
    Base.metadata,
    sa.Column("user_id", sa.Uuid, primary_key=True),
    sa.Column("documents", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.Numeric, nullable=False),
    sa.Column("closed", sa.Boolean, nullable=False, server_default=sa.false()),
)


async def check_quota(
    session: AsyncSession,
    owner_id: UUID,
    limits: UploadLimits,
    *,
    documents: int = 0,
    size: int = 0,
) -> None:
    """Raise `QuotaExceeded` if the owner has stored too much, `AccountClosed` if they have left.

    `documents` and `size` (bytes) are what is to come on top of what is counted already.
    """
    counted = (
        await session.execute(
            sa.select(usage.c.documents, usage.c.bytes, usage.c.closed).where(
                usage.c.user_id == owner_id
            )
        )
    ).one_or_none()
    if counted and counted.closed:
        raise AccountClosed
    documents += counted.documents if counted else 0
    size += counted.bytes if counted else 0
    if limits.quota_documents is not None and documents > limits.quota_documents:
        raise QuotaExceeded(f"You may store {limits.quota_documents} documents.")
    if limits.quota_bytes is not None and size > limits.quota_bytes:
        raise QuotaExceeded(f"You may store {limits.quota_bytes} bytes.")


async def close_account(session: AsyncSession, owner_id: UUID) -> None:
    """Let nothing more come in of somebody who has left.

    Whoever is about to commit a document of theirs holds the row: we wait, and whoever comes
    after us reads it. So once this has committed, no document can appear that was not there.
    """
    closed = insert(usage).values(user_id=owner_id, documents=0, bytes=0, closed=True)
    await session.execute(
        closed.on_conflict_do_update(index_elements=[usage.c.user_id], set_={"closed": True})
    )
