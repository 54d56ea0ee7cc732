"""Objects that have no row yet."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.storage import Storage


@asynccontextmanager
async def provisional(storage: Storage) -> AsyncIterator[set[str]]:
    """Collect keys of objects; those that are still in the set at the end are removed.

    When the storage is away they stay: what went wrong first is what counts, and sweeping finds
    them.
    """
    keys: set[str] = set()
    try:
        yield keys
    finally:
        if keys:
            await storage.discard(*keys)
