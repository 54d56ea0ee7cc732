"""Watches the processes of a box from outside."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
from common.testing import eventually
from ocr_worker.box import Box
from ocr_worker.errors import ReadingError
from ocr_worker.limits import Limits
from ocr_worker.pages import PageResult


def processes(of: int | None = None) -> list[psutil.Process]:
    """Return the guards, readers and Tesseracts below a process (this one, unless told)."""
    with suppress(psutil.NoSuchProcess):
        return [process for process in psutil.Process(of).children(recursive=True) if ours(process)]
    return []


def ours(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        command = process.cmdline()
        return "ocr_worker.child" in command or command[:1] == ["tesseract"]
    return False


def alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


async def tesseract(of: int | None = None) -> psutil.Process:
    """Wait until Tesseract is at work below a process, and return it."""

    async def look() -> psutil.Process | None:
        for process in processes(of):
            with suppress(psutil.NoSuchProcess):
                if "--psm" in process.cmdline():  # not the one that lists the languages
                    return process
        return None

    found = await eventually(look)
    assert found is not None
    return found


@asynccontextmanager
async def reading(
    path: Path, scratch: Path, *, limits: Limits | None = None, page: int = 1
) -> AsyncIterator[tuple[Box, "asyncio.Task[PageResult]"]]:
    """Provide a box in which a page is being read, by Tesseract as a program of its own."""
    async with Box.open(path, limits=limits, scratch_root=scratch) as box:
        task = asyncio.create_task(box.read(page, force_ocr=True, backend="pytesseract"))
        try:
            yield box, task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, ReadingError):
                await task


def assert_nothing_is_left(scratch: Path) -> None:
    assert processes() == []
    assert list(scratch.iterdir()) == []
    # Nor anything unburied, which would gather below a worker that is process 1.
    children = psutil.Process().children()
    assert [child for child in children if child.status() == psutil.STATUS_ZOMBIE] == []
