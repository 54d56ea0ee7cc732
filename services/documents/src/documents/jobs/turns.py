"""Whose turn it is: the rule by which workers are shared out.

More urgent jobs come first; among those the user for whom the least is being done, whatever
they have waiting; and of one user's documents the one with the fewest pages left, so that short
documents overtake long ones.
"""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from documents.jobs.models import Job

_BEGUN_PER_USER = 10
"""So many of a user's documents are opened ahead of their turn to be read."""
_BEGUN_PER_WORKER = 20

# The users who wait are found one by one in the index, however many documents each of them has.
_NEXT_TO_OPEN = sa.text(
    """
    WITH RECURSIVE users AS (
        (SELECT user_id FROM jobs
            WHERE status = 'queued' AND asked_at IS NULL AND NOT held
            ORDER BY user_id LIMIT 1)
        UNION ALL
        SELECT (SELECT jobs.user_id FROM jobs
            WHERE status = 'queued' AND asked_at IS NULL AND NOT held
                AND jobs.user_id > users.user_id
            ORDER BY jobs.user_id LIMIT 1)
        FROM users WHERE users.user_id IS NOT NULL
    ),
    begun AS (
        SELECT user_id, count(*) AS number FROM jobs
        WHERE status IN ('queued', 'processing') AND asked_at IS NOT NULL
        GROUP BY user_id
    )
    SELECT first.id FROM users
    CROSS JOIN LATERAL (
        SELECT id, urgency, created_at FROM jobs
        WHERE status = 'queued' AND asked_at IS NULL AND NOT held
            AND jobs.user_id = users.user_id
        ORDER BY urgency DESC, created_at LIMIT 1
    ) AS first
    LEFT JOIN begun ON begun.user_id = users.user_id
    WHERE coalesce(begun.number, 0) < :per_user
        OR (SELECT coalesce(sum(number), 0) FROM begun) < :in_all
    ORDER BY first.urgency DESC, coalesce(begun.number, 0), first.created_at
    LIMIT 1
    """
)
_NEXT_TO_READ = sa.text(
    """
    WITH busy AS (
        SELECT user_id, sum(in_flight) AS pages FROM jobs
        WHERE status IN ('queued', 'processing') AND asked_at IS NOT NULL
        GROUP BY user_id
    )
    SELECT jobs.id FROM jobs JOIN busy ON busy.user_id = jobs.user_id
    WHERE status IN ('queued', 'processing') AND asked_at IS NOT NULL AND todo <> '[]'
    ORDER BY urgency DESC, busy.pages, pages_total - pages_done - pages_failed, created_at
    LIMIT 1
    """
)


async def next_to_open(session: AsyncSession, *, workers: int) -> Job | None:
    """Return the job whose document is to be opened next, locked; None if none is or may be.

    Not many more are opened than can be read soon: whose turn it is, is decided late.
    """
    limits = {"per_user": _BEGUN_PER_USER, "in_all": _BEGUN_PER_WORKER * workers}
    job = await _lock(session, await session.scalar(_NEXT_TO_OPEN, limits))
    return job if job is not None and job.asked_at is None and not job.ended else None


async def next_to_read(session: AsyncSession) -> Job | None:
    """Return the job of which pages are to be read next, locked; None if none has any left."""
    job = await _lock(session, await session.scalar(_NEXT_TO_READ))
    return job if job is not None and job.todo else None


async def may_begin(session: AsyncSession, user_id: UUID) -> bool:
    """Tell whether a new document of the user's may be opened without waiting for its turn."""
    begun = (
        sa.select(Job.id)
        .where(
            Job.user_id == user_id,
            sa.text("status IN ('queued', 'processing') AND asked_at IS NOT NULL"),
        )
        .limit(_BEGUN_PER_USER)
    )
    number = await session.scalar(sa.select(sa.func.count()).select_from(begun.subquery()))
    return (number or 0) < _BEGUN_PER_USER


async def position(session: AsyncSession, job: Job) -> int | None:
    """Return how many jobs were there earlier and have pages to read yet, and this one.

    Documents are not read in this order alone, see above. None if nothing of it waits; 1000 at
    most, since more are not counted.
    """
    if job.ended or (job.asked_at is not None and not job.todo):
        return None
    earlier = (
        sa.select(Job.id)
        .where(
            sa.text("status IN ('queued', 'processing')"),
            sa.or_(Job.asked_at.is_(None), Job.todo != sa.text("'[]'")),
            Job.held.is_(False),
            sa.or_(
                Job.urgency > job.urgency,
                sa.and_(Job.urgency == job.urgency, Job.created_at < job.created_at),
            ),
        )
        .limit(999)
    )
    number = await session.scalar(sa.select(sa.func.count()).select_from(earlier.subquery()))
    return (number or 0) + 1


async def _lock(session: AsyncSession, job_id: UUID | None) -> Job | None:
    if job_id is None:
        return None
    # A worker may have said something of it a moment ago, or its owner: look again.
    wanted = sa.select(Job).where(Job.id == job_id).with_for_update(of=Job)
    return await session.scalar(wanted.execution_options(populate_existing=True))
