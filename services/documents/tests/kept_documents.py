"""A document of which something is kept everywhere."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.database import Sessions, transaction
from common.storage import Storage
from contracts import Event, OcrPageCompleted, OcrStarted, PageSource
from documents.jobs.models import Job, Page
from documents.models import Document

Deliver = Callable[..., Awaitable[None]]


class Kept:
    """A document of which one page of two has been read, and all that is kept of it."""

    def __init__(self, document: dict[str, Any], sessions: Sessions, storage: Storage) -> None:
        self.id, self.job_id = UUID(document["id"]), UUID(document["job_id"])
        self.path = f"/documents/{self.id}"
        self._sessions, self._storage = sessions, storage

    @property
    def reports(self) -> list[Event]:
        started = OcrStarted(document_id=self.id, job_id=self.job_id, pages=2)
        return [started, self.page(1)]

    def page(self, number: int) -> OcrPageCompleted:
        return OcrPageCompleted(
            document_id=self.id,
            job_id=self.job_id,
            page=number,
            source=PageSource.OCR,
            chars=1,
            confidence=1,
            result_key=f"results/{self.job_id}/{number}.json",
        )

    @classmethod
    async def read(
        cls, document: dict[str, Any], sessions: Sessions, storage: Storage, deliver: Deliver
    ) -> "Kept":
        """Let a page of a document be read."""
        kept = cls(document, sessions, storage)
        await kept.put_results()
        await deliver(*kept.reports)
        return kept

    async def put_results(self, count: int = 2) -> None:
        for number in range(1, count + 1):
            key, data = f"results/{self.job_id}/{number}.json", b'{"text": "x"}'
            await self._storage.put(key, data, content_type="application/json")

    async def objects(self) -> list[str]:
        folders = f"originals/{self.id}", f"results/{self.job_id}/"
        return [
            each.key
            for folder in folders
            async for batch in self._storage.objects(folder)
            for each in batch
        ]

    async def rows(self) -> int:
        async with self._sessions() as session:
            counts = [
                await session.scalar(sa.select(sa.func.count()).select_from(kind).where(of))
                for kind, of in (
                    (Document, Document.id == self.id),
                    (Job, Job.document_id == self.id),
                    (Page, Page.job_id == self.job_id),
                )
            ]
        return sum(count or 0 for count in counts)

    async def deleted_days_ago(self, days: float) -> None:
        at = datetime.now(UTC) - timedelta(days=days)
        change = sa.update(Document).where(Document.id == self.id).values(deleted_at=at)
        async with transaction(self._sessions) as session:
            await session.execute(change)
