"""Makes what can be made of a whole document, once all of its pages have been reported."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import structlog
from common.envelope import Envelope
from common.storage import ObjectMissing, Storage
from contracts import Failure, OcrAssemblyRequested, output_key, result_key
from pydantic import ValidationError

from ocr_worker import products
from ocr_worker.errors import DocumentError, ReadingError
from ocr_worker.opening import Opened, Opener
from ocr_worker.pages import PageResult
from ocr_worker.reporting import Reporter, failure
from ocr_worker.understanding import understand

logger = structlog.get_logger(__name__)

SEARCHABLE = "searchable.pdf"
THUMBNAIL = "thumbnail.webp"

_AT_ONCE = 8
_UNDERSTOOD = (10, 5)
"""How many of the first and of the last pages are looked at to understand a document."""
_CHUNK_BYTES = 256 << 10


class AssemblyService:
    """The use case: assemble a document. What fails of it, fails alone."""

    def __init__(self, storage: Storage, opener: Opener, reporter: Reporter) -> None:
        self._storage = storage
        self._opener = opener
        self._reporter = reporter

    async def assemble(self, task: OcrAssemblyRequested, _: Envelope) -> None:
        """Make the searchable PDF and a small picture, and understand what the document is."""
        outputs: list[str] = []
        failures: dict[str, Failure] = {}
        understanding: dict[str, Any] | None = None
        try:
            async with self._opener.open(task) as opened:
                results = await self._results(task, opened.folder)
                understanding = await asyncio.to_thread(_understand, results)
                for name, make in ((THUMBNAIL, _thumbnail), (SEARCHABLE, _searchable)):
                    try:
                        media_type = await make(opened, results, opened.folder / name)
                    except ReadingError as error:
                        logger.warning("not made", job_id=str(task.job_id), output=name)
                        failures[name] = failure(error)
                        continue
                    if media_type is not None:
                        await self._keep(task, opened.folder / name, media_type)
                        outputs.append(name)
        except DocumentError as error:
            failures = {name: failure(error) for name in (THUMBNAIL, SEARCHABLE)}
        await self._reporter.assembled(
            task, outputs=outputs, failures=failures, understanding=understanding
        )

    async def _results(self, task: OcrAssemblyRequested, folder: Path) -> Mapping[int, Path]:
        """Fetch what was read on each page, as files: a thousand pages do not fit into memory."""
        slots = asyncio.Semaphore(_AT_ONCE)
        wanted = sorted(set(range(1, task.pages + 1)) - set(task.missing_pages))

        async def fetch(page: int) -> tuple[int, Path] | None:
            path = folder / f"{page}.json"
            async with slots:
                try:
                    await self._storage.download(result_key(task.job_id, page), path)
                except ObjectMissing:
                    return None  # the document is being purged
            return page, path

        found = await asyncio.gather(*map(fetch, wanted))
        return dict(each for each in found if each is not None)

    async def _keep(self, task: OcrAssemblyRequested, path: Path, media_type: str) -> None:
        key = output_key(task.job_id, path.name)
        await self._storage.put_stream(key, _chunks(path), content_type=media_type)


async def _thumbnail(opened: Opened, _: Mapping[int, Path], target: Path) -> str | None:
    return (await products.draw_thumbnail(opened.box, target)).media_type


async def _searchable(opened: Opened, results: Mapping[int, Path], target: Path) -> str | None:
    """Write a searchable PDF, unless the original is as good: nothing in it was recognised."""
    if not await asyncio.to_thread(_any_recognised, results):
        return None
    await products.assemble(opened.box, results, target)
    return "application/pdf"


def _any_recognised(results: Mapping[int, Path]) -> bool:
    read = (_load(path) for path in results.values())
    return any(products.was_recognised(page) for page in read if page is not None)


def _understand(results: Mapping[int, Path]) -> dict[str, Any]:
    first, last = _UNDERSTOOD
    numbers = list(results)
    looked_at = dict.fromkeys([*numbers[:first], *numbers[-last:]])
    pages = [page for number in looked_at if (page := _load(results[number])) is not None]
    return understand(pages).model_dump(mode="json")


def _load(path: Path) -> PageResult | None:
    try:
        return PageResult.model_validate_json(path.read_bytes())
    except ValidationError:  # from a worker of another version
        return None


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
            yield chunk
