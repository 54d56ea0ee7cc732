"""The same event, delivered often and at once, takes effect once."""

import asyncio
from uuid import uuid4

import pytest
import sqlalchemy as sa
from common.database import Sessions
from common.envelope import seal
from common.inbox import inbox, once
from contracts import OcrStarted
from sqlalchemy.ext.asyncio import AsyncSession

EVENT = OcrStarted(document_id=uuid4(), job_id=uuid4(), pages=1)


async def test_redelivery_has_no_second_effect(sessions: Sessions) -> None:
    effects = 0

    async def handle(_: AsyncSession, __: OcrStarted) -> None:
        nonlocal effects
        effects += 1

    handler = once(sessions, {OcrStarted: handle})[OcrStarted]
    envelope = seal(EVENT, source="test")
    await asyncio.gather(*(handler(EVENT, envelope) for _ in range(10)))

    assert effects == 1


async def test_a_failed_handler_leaves_no_trace_and_may_try_again(sessions: Sessions) -> None:
    async def fail(_: AsyncSession, __: OcrStarted) -> None:
        raise RuntimeError("half way")

    envelope = seal(EVENT, source="test")
    with pytest.raises(RuntimeError):
        await once(sessions, {OcrStarted: fail})[OcrStarted](EVENT, envelope)

    async with sessions() as session:
        assert await session.scalar(sa.select(sa.func.count()).select_from(inbox)) == 0


async def test_the_same_id_from_another_source_is_another_event(sessions: Sessions) -> None:
    effects = 0

    async def handle(_: AsyncSession, __: OcrStarted) -> None:
        nonlocal effects
        effects += 1

    handler = once(sessions, {OcrStarted: handle})[OcrStarted]
    for source in ("here", "there"):
        await handler(EVENT, seal(EVENT, source=source, event_id="1"))

    assert effects == 2
