"""How much somebody has stored."""

from typing import get_args
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from documents.listing.fields import shown_status
from documents.listing.values import StatusWord
from documents.models import Document
from documents.schemas import StatsOut

_MB = 1 << 20


async def statistics(session: AsyncSession, owner_id: UUID) -> StatsOut:
    """Count the documents of a user, and their bytes."""
    mine = sa.and_(Document.user_id == owner_id, Document.deleted_at.is_(None))
    count, size = sa.func.count(), sa.func.sum(Document.file_size)
    shown = shown_status.label("shown")
    by_status = await session.execute(
        sa.select(shown, count, size).join(Document.job).where(mine).group_by("shown")
    )
    by_type = await session.execute(
        sa.select(Document.document_type, count).where(mine).group_by(Document.document_type)
    )
    found = by_status.all()
    return StatsOut(
        document_count=sum(number for _, number, _ in found),
        total_storage_mb=round(sum(size for _, _, size in found) / _MB, 2),
        by_status=dict.fromkeys(get_args(StatusWord), 0) | {s: number for s, number, _ in found},
        by_type={kind or "": number for kind, number in by_type},
    )
