"""Tasks that run for as long as the process does: consumers, the relay, periodic jobs."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping

import structlog

logger = structlog.get_logger(__name__)

Run = Callable[[], Coroutine[object, object, None]]


def stop_if_cancelled() -> None:
    """Go on with a cancellation that got lost: `asyncio.wait_for` swallows some before Python 3.12.

    A task that runs for ever with a library that uses it, as redis does, asks in every round.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class Background:
    """Starts the tasks, notices when one dies, and stops them together.

    A task is asked to stop by cancelling it; it may first finish what it has begun.
    """

    def __init__(self, tasks: Mapping[str, Run], *, on_death: Callable[[], None]) -> None:
        self._runs = tasks
        self._on_death = on_death
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self.dead: set[str] = set()

    def start(self) -> None:
        """Start every task."""
        for name, run in self._runs.items():
            task = asyncio.create_task(run(), name=name)
            task.add_done_callback(self._ended)
            self._tasks.append(task)

    async def stop(self) -> None:
        """Cancel the tasks and wait until all have finished."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self._stopping:
            return
        error = None if task.cancelled() else task.exception()
        logger.critical("background task died", task=task.get_name(), exc_info=error)
        self.dead.add(task.get_name())
        self._on_death()
