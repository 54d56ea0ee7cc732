"""Which pages are still to be asked for, and how many of them at once.

Kept as runs `[first, last]`, so that the note about ten thousand pages is as short as about one.
"""

import math
from collections.abc import Iterable, Sequence

Run = tuple[int, int]
"""The first and the last of some consecutive pages."""

_TASK_MS = 8000
"""What a task should take: enough to make up for opening the document, and no more, because so
long may somebody else's page have to wait."""
_UNKNOWN_PAGES = 2
_MOST_PAGES = 64
_TASKS_PER_WORKER = 4


def of(numbers: Iterable[int]) -> list[Run]:
    """Return ascending page numbers as runs."""
    found: list[Run] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def count(some: Iterable[Run]) -> int:
    """Return how many pages there are in all runs."""
    return sum(last - first + 1 for first, last in some)


def task_pages(left: int, *, page_ms: float | None, workers: int) -> int:
    """Return how many pages to ask one worker for.

    A few seconds' worth, by what pages of this document have taken so far; fewer when not much is
    left, so that every worker has a share of it and all come to an end together.
    """
    by_time = _UNKNOWN_PAGES if page_ms is None else int(_TASK_MS / max(page_ms, 1))
    by_share = math.ceil(left / (_TASKS_PER_WORKER * max(workers, 1)))
    return max(1, min(by_time, by_share, _MOST_PAGES))


def take(some: Sequence[Run], most: int) -> tuple[Run, list[Run]]:
    """Return the next pages, at most so many and without a gap, and what is left after them."""
    (first, last), *rest = some
    end = min(last, first + most - 1)
    return (first, end), [(end + 1, last), *rest] if end < last else rest
