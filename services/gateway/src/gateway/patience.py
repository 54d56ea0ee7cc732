"""How long the gateway waits for a service."""

import asyncio
from contextlib import suppress


class Patience:
    """The time in which a service must make progress, until its answer begins.

    It stands still while the client is the one that is awaited.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self.answered = False
        self.timeout = asyncio.timeout(seconds)

    def renew(self) -> None:
        """Give the service its full time again."""
        if not self.answered:
            self._reschedule(self._loop.time() + self._seconds)

    def suspend(self) -> None:
        """Let the service wait for the client as long as it takes."""
        if not self.answered:
            self._reschedule(None)

    def answer_began(self) -> None:
        """Let the answer take as long as it takes."""
        self.suspend()
        self.answered = not self.timeout.expired()  # in the very moment before, it is too late

    def end(self) -> None:
        """Cut the exchange at once."""
        self._reschedule(0.0)

    def _reschedule(self, when: float | None) -> None:
        with suppress(RuntimeError):  # the exchange is over already
            self.timeout.reschedule(when)
