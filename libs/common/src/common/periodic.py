"""Jobs that run every so often, once across all replicas.

Whose turn it is, a row decides: whoever moves its time on does the job in the same transaction.
A job that fails, or whose process dies, has not run, and the next replica to look does it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from common.database import Sessions, frame_metadata, transaction

logger = structlog.get_logger(__name__)

periodic = sa.Table(
    "periodic",
    frame_metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("ran_at", sa.DateTime(timezone=True), nullable=False),
)


@dataclass(frozen=True)
class Job:
    """Something to do, and how often."""

    every: timedelta
    run: Callable[[AsyncSession], Awaitable[None]]


class Periodic:
    """Does the jobs of a service for as long as it is not cancelled."""

    def __init__(
        self, sessions: Sessions, jobs: Mapping[str, Job], *, look_seconds: float = 30.0
    ) -> None:
        self._sessions = sessions
        self._jobs = jobs
        self._look_seconds = look_seconds

    async def run(self) -> None:
        """Look again and again whether a job is due."""
        while True:
            for name in self._jobs:
                try:
                    await self.turn(name)
                except Exception:  # whatever it was, the other jobs must go on
                    logger.exception("periodic job failed, will run later", job=name)
            await asyncio.sleep(self._look_seconds)

    async def turn(self, name: str) -> bool:
        """Do a job if it is due; tell whether it was.

        Who comes while another replica is at it waits for the outcome: a failure makes it due.
        """
        job = self._jobs[name]
        async with transaction(self._sessions) as session:
            claim = insert(periodic).values(name=name, ran_at=sa.func.now())
            mine = await session.scalar(
                claim.on_conflict_do_update(
                    index_elements=[periodic.c.name],
                    set_={"ran_at": sa.func.now()},
                    where=periodic.c.ran_at <= sa.func.now() - job.every,
                ).returning(periodic.c.name)
            )
            if mine is not None:
                await job.run(session)
                logger.info("periodic job done", job=name)
        return mine is not None
