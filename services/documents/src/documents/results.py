"""The pages' results in object storage, as the workers write them."""

import asyncio
import json
from collections.abc import Sequence

from common.storage import ObjectMissing, Storage
from pydantic import ValidationError

from documents.errors import PageNotFound
from documents.jobs.models import Page
from documents.schemas import PageTextOut

_AT_ONCE = 8
PAGE_BREAK = "\n\n"


async def read_text(storage: Storage, pages: Sequence[Page]) -> str:
    """Return the text of pages that were read, a blank line between two of them.

    Raises `PageNotFound` when one is removed at this very moment: its document is being purged.
    """
    slots = asyncio.Semaphore(_AT_ONCE)

    async def text(key: str) -> str:
        async with slots:
            try:
                result: dict[str, str] = json.loads(await storage.get(key))
            except ObjectMissing:
                raise PageNotFound from None
        return result["text"].strip()

    reading = [asyncio.create_task(text(page.result_key)) for page in pages if page.result_key]
    try:
        return PAGE_BREAK.join(await asyncio.gather(*reading))
    finally:
        for task in reading:  # when one fails: else the others would ask on for nobody
            task.cancel()


async def read_page(storage: Storage, page: Page | None) -> PageTextOut:
    """Return what was read on one page; raises `PageNotFound`."""
    if page is None or page.result_key is None:
        raise PageNotFound(page.error["title"] if page and page.error else "")
    try:
        return PageTextOut.model_validate_json(await storage.get(page.result_key))
    except (ObjectMissing, ValidationError):  # the latter from a worker of another version
        raise PageNotFound from None
