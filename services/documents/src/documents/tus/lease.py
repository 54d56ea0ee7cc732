"""Who works on an upload: one request at a time, whichever replica answers it.

A request that wants an upload says so in its row, and whoever holds it stores what has come and
lets go. So a connection that is dead at one end only never keeps a client from going on. Nothing
here relies on the holder's good will: a lease that is not renewed lapses, and from then on the
fence keeps its holder from writing anything down.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import structlog
from common.database import Sessions, transaction
from common.errors import Unavailable
from sqlalchemy.exc import SQLAlchemyError

from documents.tus.errors import UploadLocked, UploadStalled, UploadTakenOver
from documents.tus.repository import TusRepository
from documents.uploads.models import Upload, UploadPart

logger = structlog.get_logger(__name__)

T = TypeVar("T")

LEASE = timedelta(seconds=5)
_RENEW_SECONDS = 1.0
_LOOK_SECONDS = 0.05
_PATIENCE_SECONDS = 10.0
_STALLED_SECONDS = 60.0


class Lease:
    """The right to work on one upload. `upload` is its row as it was last written."""

    def __init__(self, sessions: Sessions, upload: Upload) -> None:
        self._sessions = sessions
        self._fence = upload.fence
        self._gives_way = asyncio.Event()
        self._waiting: asyncio.Timeout | None = None
        # Two at once could leave the older row in `upload`, and a part's number be used twice.
        self._writing = asyncio.Lock()
        self.upload = upload

    @property
    def fence(self) -> int:
        """A number that no other holder of this upload ever has."""
        return self._fence

    async def while_unwanted(self, pieces: AsyncIterator[T]) -> AsyncIterator[T]:
        """Yield what comes, until somebody else wants the upload or nothing comes any more.

        Raises `UploadTakenOver`, `UploadStalled`.
        """
        while not self._gives_way.is_set():
            try:
                async with asyncio.timeout(_STALLED_SECONDS) as self._waiting:
                    piece = await anext(pieces)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if self._gives_way.is_set():
                    break
                raise UploadStalled from None
            finally:
                self._waiting = None
            yield piece
        raise UploadTakenOver

    async def write(self, *parts: UploadPart, **values: Any) -> None:
        """Write down parts and what else is true now, all or nothing.

        Raises `UploadTakenOver` if the lease was lost.
        """
        async with self._writing, transaction(self._sessions) as session:
            uploads = TusRepository(session)
            self.upload = await uploads.change(self.upload.id, self._fence, **values)
            await uploads.add_parts(parts)

    async def keep(self) -> None:
        """Renew the lease for as long as it is not lost, and see whether somebody waits."""
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            try:
                async with transaction(self._sessions) as session:
                    uploads = TusRepository(session)
                    wanted = await uploads.renew(self.upload.id, self._fence, lease=LEASE)
            except (SQLAlchemyError, Unavailable, OSError) as error:
                logger.warning("lease not renewed", error=repr(error))
                continue
            if wanted is not False:
                self._give_way()
            if wanted is None:
                return

    async def release(self, keeper: "asyncio.Task[None]") -> None:
        """Let others work on the upload; if that fails, they can once the lease has lapsed."""
        keeper.cancel()
        await asyncio.wait([keeper])
        with contextlib.suppress(UploadTakenOver, SQLAlchemyError, Unavailable, OSError):
            await self.write(leased_until=None)

    def _give_way(self) -> None:
        if not self._gives_way.is_set():
            self._gives_way.set()
            if self._waiting is not None:
                self._waiting.reschedule(asyncio.get_running_loop().time())


@asynccontextmanager
async def leased(
    sessions: Sessions,
    upload_id: UUID,
    *,
    owner_id: UUID,
    look: Callable[[Upload], None] = lambda _: None,
    patience_seconds: float = _PATIENCE_SECONDS,
) -> AsyncIterator[Lease]:
    """Wait for an upload and hold it.

    `look` sees the row each time that we try, and may raise what makes waiting pointless. Raises
    `UploadLocked` when our patience ends, `UploadNotFound`, `UploadExpired`.
    """
    lease = Lease(
        sessions, await _take(sessions, upload_id, owner_id, look=look, patience=patience_seconds)
    )
    keeper = asyncio.create_task(lease.keep())
    try:
        yield lease
    finally:
        await asyncio.shield(lease.release(keeper))


async def _take(
    sessions: Sessions,
    upload_id: UUID,
    owner_id: UUID,
    *,
    look: Callable[[Upload], None],
    patience: float,
) -> Upload:
    clock = asyncio.get_running_loop().time
    deadline = clock() + patience
    while True:
        async with transaction(sessions) as session:
            uploads = TusRepository(session)
            look(await uploads.get(upload_id, owner_id=owner_id))
            taken = await uploads.take(upload_id, lease=LEASE)
        if taken is not None:
            return taken
        if clock() >= deadline:
            raise UploadLocked
        await asyncio.sleep(_LOOK_SECONDS)
