"""Runs jobs at the same time, each as soon as those that it needs are done."""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from native.errors import StackError


@dataclass(frozen=True)
class Job:
    """Something to do once other jobs are done."""

    name: str
    action: Callable[[], None]
    needs: tuple[str, ...] = ()
    silent: bool = False
    """Whether the observer is spared it."""


class Observer(Protocol):
    """Somebody who wants to see how it goes; called from several threads."""

    def started(self, name: str) -> None:
        """Take note that a job has begun."""

    def finished(self, name: str, seconds: float) -> None:
        """Take note that a job is done."""


class Nobody:
    """An observer that does not look."""

    def started(self, name: str) -> None:
        """Take no note."""

    def finished(self, name: str, seconds: float) -> None:
        """Take no note."""


def run(jobs: Iterable[Job], observer: Observer, failed: threading.Event) -> None:
    """Run all jobs; a need that is not among them counts as done.

    As soon as one fails `failed` is set, no further job begins, and its error is raised when
    those under way have returned.
    """
    waiting = {job.name: (job, Future[None]()) for job in jobs}
    done = {name: future for name, (_, future) in waiting.items()}

    def work(job: Job, future: "Future[None]") -> None:
        try:
            for need in job.needs:
                if need in done:
                    done[need].result()
            if not failed.is_set():
                if not job.silent:
                    observer.started(job.name)
                start = time.monotonic()
                job.action()
                if not (job.silent or failed.is_set()):
                    observer.finished(job.name, time.monotonic() - start)
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits for it
            failed.set()
            future.set_exception(error)
        else:
            future.set_result(None)

    for job, future in waiting.values():
        # Daemon threads, so that Ctrl-C ends the command at once.
        threading.Thread(target=work, args=(job, future), name=job.name, daemon=True).start()
    errors = {id(error): error for future in done.values() if (error := future.exception())}
    for error in errors.values():
        if len(errors) == 1 or not isinstance(error, StackError):
            raise error
    if errors:
        raise StackError("\n\n".join(str(error) for error in errors.values()))
