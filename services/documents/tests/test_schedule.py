"""What the worker does every so often."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from common.database import Sessions, transaction
from common.inbox import inbox
from common.settings import StorageSettings
from common.testing import eventually, serving
from documents.app import create_worker
from documents.settings import WorkerSettings


async def test_events_of_long_ago_are_forgotten(
    sessions: Sessions, database_url: str, amqp_url: str, storage_settings: StorageSettings
) -> None:
    async with transaction(sessions) as session:
        for days in (1, 29, 31, 365):
            received_at = datetime.now(UTC) - timedelta(days=days)
            row = {"source": "test", "id": str(days), "received_at": received_at}
            await session.execute(sa.insert(inbox).values(row))

    async def remembered() -> set[str]:
        async with sessions() as session:
            return set(await session.scalars(sa.select(inbox.c.id)))

    async def pruned() -> bool:
        return await remembered() == {"1", "29"}

    settings = WorkerSettings.model_validate(
        {
            **storage_settings.model_dump(),
            "port": 0,
            "database_url": database_url,
            "amqp_url": amqp_url,
        }
    )
    async with serving(create_worker(settings)):
        await eventually(pruned)
