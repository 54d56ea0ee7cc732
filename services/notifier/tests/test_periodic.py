"""What the worker does every so often."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from common.database import open_database
from common.inbox import inbox
from common.testing import MakeDatabase, eventually


async def test_events_are_forgotten_after_30_days(
    start_worker: Any, make_database: MakeDatabase, migrations: Any
) -> None:
    url = await make_database(migrations)
    ages = {"old": timedelta(days=30, hours=1), "young": timedelta(days=29)}
    now = datetime.now(UTC)
    rows = [{"source": "auth", "id": e, "received_at": now - age} for e, age in ages.items()]
    async with open_database(url) as (_, sessions):
        async with sessions.begin() as session:
            await session.execute(sa.insert(inbox), rows)

        async def only_the_young_is_left() -> bool:
            async with sessions() as session:
                return list(await session.scalars(sa.select(inbox.c.id))) == ["young"]

        async with start_worker(database_url=url):
            await eventually(only_the_young_is_left)
