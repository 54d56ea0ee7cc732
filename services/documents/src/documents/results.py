"""The pages' results in object storage, as the workers write them."""

import asyncio
import json
from collections.abc import Sequence

from common.storage import Storage

from documents.jobs.models import Page

_AT_ONCE = 8
PAGE_BREAK = "\n\n"


async def read_text(storage: Storage, pages: Sequence[Page]) -> str:
    """Return the text of pages that were read, a blank line between two of them."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def text(key: str) -> str:
        async with slots:
            result: dict[str, str] = json.loads(await storage.get(key))
        return result["text"].strip()

    return PAGE_BREAK.join(
        await asyncio.gather(*(text(page.result_key) for page in pages if page.result_key))
    )
