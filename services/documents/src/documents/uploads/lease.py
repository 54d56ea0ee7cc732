"""One request at a time completes an upload, so that the work is done once.

It is no lock: a holder that was frozen for too long goes on when it wakes up, beside the next one.
That does no harm, as both make the same object of the same bytes, and the row of the upload is
locked while it becomes a document. A lock of the database would cost a connection for as long as
gigabytes take.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import structlog
from common.database import Sessions, transaction
from common.errors import Unavailable
from sqlalchemy.exc import SQLAlchemyError

from documents.uploads.errors import UploadBusy
from documents.uploads.repository import UploadRepository

logger = structlog.get_logger(__name__)

_LEASE = timedelta(seconds=15)
_RENEW_SECONDS = 5.0
_LOOK_SECONDS = 0.1
_PATIENCE_SECONDS = 10.0
_FAILURES = (SQLAlchemyError, Unavailable, OSError)


@asynccontextmanager
async def held(sessions: Sessions, upload_id: UUID) -> AsyncIterator[None]:
    """Hold an upload; whoever holds it already is waited for. Raises `UploadBusy` in the end."""
    fence = await _take(sessions, upload_id)
    keeper = asyncio.create_task(_keep(sessions, upload_id, fence))
    try:
        yield
    finally:
        keeper.cancel()
        await asyncio.shield(_release(sessions, upload_id, fence, keeper))


async def _take(sessions: Sessions, upload_id: UUID) -> int:
    clock = asyncio.get_running_loop().time
    deadline = clock() + _PATIENCE_SECONDS
    while True:
        async with transaction(sessions) as session:
            fence = await UploadRepository(session).take(upload_id, lease=_LEASE)
        if fence is not None:
            return fence
        if clock() >= deadline:
            raise UploadBusy
        await asyncio.sleep(_LOOK_SECONDS)


async def _keep(sessions: Sessions, upload_id: UUID, fence: int) -> None:
    while True:
        await asyncio.sleep(_RENEW_SECONDS)
        try:
            await _renew(sessions, upload_id, fence, _LEASE)
        except _FAILURES as error:
            logger.warning("lease not renewed", error=repr(error))


async def _release(
    sessions: Sessions, upload_id: UUID, fence: int, keeper: "asyncio.Task[None]"
) -> None:
    await asyncio.wait([keeper])
    with contextlib.suppress(*_FAILURES):  # it lapses then
        await _renew(sessions, upload_id, fence, timedelta())


async def _renew(sessions: Sessions, upload_id: UUID, fence: int, lease: timedelta) -> None:
    async with transaction(sessions) as session:
        await UploadRepository(session).renew(upload_id, fence, lease=lease)
