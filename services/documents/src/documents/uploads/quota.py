"""How much a user may store: documents, those in the trash included, and uploads under way.

Triggers count it (see the migration `uploads`). Their row is locked from the change that they
count to its commit, so that a check after the change, in the same transaction, is exact: two
uploads at the same moment cannot both take the last place.
"""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from documents.base import Base
from documents.uploads.errors import QuotaExceeded
from documents.uploads.limits import UploadLimits

usage = sa.Table(
    "usage",
    Base.metadata,
    sa.Column("user_id", sa.Uuid, primary_key=True),
    sa.Column("documents", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
)


async def check_quota(
    session: AsyncSession,
    owner_id: UUID,
    limits: UploadLimits,
    *,
    documents: int = 0,
    size: int = 0,
) -> None:
    """Raise `QuotaExceeded` if the owner has stored too much.

    `documents` and `size` (bytes) are what is to come on top of what is counted already.
    """
    counted = (
        await session.execute(
            sa.select(usage.c.documents, usage.c.bytes).where(usage.c.user_id == owner_id)
        )
    ).one_or_none()
    documents += counted.documents if counted else 0
    size += counted.bytes if counted else 0
    if limits.quota_documents is not None and documents > limits.quota_documents:
        raise QuotaExceeded(f"You may store {limits.quota_documents} documents.")
    if limits.quota_bytes is not None and size > limits.quota_bytes:
        raise QuotaExceeded(f"You may store {limits.quota_bytes} bytes.")
