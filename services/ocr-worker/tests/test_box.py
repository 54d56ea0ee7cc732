"""The box holds: processes, time, memory, secrets, network and files."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import pytest
from common.testing import eventually

from ocr_worker.box import Box
from ocr_worker.confinement import confine
from ocr_worker.errors import (
    DocumentTooComplex,
    PageError,
    PageOutOfMemory,
    PageTimedOut,
    ReaderCrashed,
    ReadingError,
)
from ocr_worker.limits import Limits
from ocr_worker.pages import PageResult

from .corpus import digital, scan
from .pdf_files import nested_forms

LONG_PAGE = scan("8071_093.3B.tif")
MIB = 1 << 20


def processes(of: int | None = None) -> list[psutil.Process]:
    """Return everything that was started by a process (this one, unless told), dead ones not."""
    with suppress(psutil.NoSuchProcess):
        found = psutil.Process(of).children(recursive=True)
        return [process for process in found if alive(process)]
    return []


def alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


async def tesseract(of: int | None = None) -> psutil.Process:
    """Wait until Tesseract is at work below a process, and return it."""

    async def look() -> psutil.Process | None:
        for process in processes(of):
            with suppress(psutil.NoSuchProcess):
                if process.name() == "tesseract":
                    return process
        return None

    found = await eventually(look)
    assert found is not None
    return found


@asynccontextmanager
async def reading(
    path: Path, scratch: Path, *, limits: Limits | None = None, page: int = 1
) -> AsyncIterator[tuple[Box, "asyncio.Task[PageResult]"]]:
    """Provide a box in which a page is being read."""
    async with Box.open(path, limits=limits, scratch_root=scratch) as box:
        task = asyncio.create_task(box.read(page, force_ocr=True))
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
    assert psutil.Process().children() == []


async def test_a_killed_reader_costs_one_page(tmp_path: Path) -> None:
    async with reading(scan("multipage.pdf"), tmp_path, page=5) as (box, task):
        reader = (await tesseract()).parent()
        assert reader is not None
        reader.kill()
        with pytest.raises(PageError) as failure:
            await task
        assert failure.value.slug == "page-out-of-memory"  # who else kills a reader?
        assert (await box.read(4)).source == "text_layer"
        assert (await box.read(3)).source == "ocr"
    assert_nothing_is_left(tmp_path)


async def test_a_killed_guard_takes_the_reader_along(tmp_path: Path) -> None:
    async with reading(scan("multipage.pdf"), tmp_path, page=5) as (box, task):
        await tesseract()
        (guard,) = psutil.Process().children()
        reader = guard.children()[0]
        guard.kill()
        with pytest.raises(ReaderCrashed):
            await task
        await eventually(lambda: asyncio.sleep(0, not alive(reader)), within=5)
        assert (await box.read(4)).source == "text_layer"


async def test_a_page_has_its_time_and_then_the_whole_group_is_killed(tmp_path: Path) -> None:
    limits = Limits(page_seconds=1)
    async with Box.open(scan("linn.pdf"), limits=limits, scratch_root=tmp_path) as box:
        with pytest.raises(PageTimedOut):
            await box.read(1)
        assert_nothing_is_left(tmp_path)


async def test_a_document_has_its_time_to_open(tmp_path: Path) -> None:
    with pytest.raises(DocumentTooComplex):
        async with Box.open(LONG_PAGE, limits=Limits(open_seconds=0.01), scratch_root=tmp_path):
            pass
    assert_nothing_is_left(tmp_path)


async def test_a_page_has_its_processor_time(tmp_path: Path) -> None:
    limits = Limits(cpu_seconds=0)
    async with Box.open(LONG_PAGE, limits=limits, scratch_root=tmp_path) as box:
        with pytest.raises(PageTimedOut):
            await box.read(1)


async def test_the_reader_itself_has_its_processor_time(tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(nested_forms(levels=14, times=10))
    limits = Limits(cpu_seconds=0, memory_bytes=4096 * MIB)
    async with Box.open(path, limits=limits, scratch_root=tmp_path / "boxes") as box:
        with pytest.raises(PageTimedOut):
            await box.read(1)


@pytest.mark.parametrize("mebibytes", [200, 320, 450])
async def test_a_page_has_its_memory(mebibytes: int, tmp_path: Path) -> None:
    """It runs out while pdfium draws, in Python, or in Tesseract: the name is the same."""
    limits = Limits(memory_bytes=mebibytes * MIB)
    path = scan("multipage.pdf")
    async with Box.open(path, limits=limits, scratch_root=tmp_path) as box:
        with pytest.raises(PageOutOfMemory):
            await box.read(2)  # 81 megapixels
        assert (await box.read(4)).source == "text_layer"
    assert_nothing_is_left(tmp_path)


async def test_who_stops_waiting_gets_no_stale_answer(tmp_path: Path) -> None:
    async with reading(scan("multipage.pdf"), tmp_path, page=5) as (box, task):
        await tesseract()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert_nothing_is_left(tmp_path)
        assert (await box.read(4)).number == 4


async def test_pages_asked_for_at_once_are_read_in_turn(tmp_path: Path) -> None:
    path = digital("pdflatex-4-pages.pdf")
    async with Box.open(path, scratch_root=tmp_path) as box:
        results = await asyncio.gather(*(box.read(number) for number in (4, 2, 3, 1)))
    assert [result.number for result in results] == [4, 2, 3, 1]


async def test_the_reader_knows_no_secret_and_keeps_its_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUIRE_STORAGE_SECRET", "hunter2")
    async with reading(LONG_PAGE, tmp_path) as (_, _):
        ocr = await tesseract()
        found = processes()
        assert len(found) == 3  # guard, reader, Tesseract
        for process in found:
            assert "hunter2" not in Path(f"/proc/{process.pid}/environ").read_text()
            assert Path(process.cwd()).parent == tmp_path
        reader = ocr.parent()
        assert reader is not None
        for process in (reader, ocr):
            status = Path(f"/proc/{process.pid}/status").read_text()
            assert "NoNewPrivs:\t1" in status
            assert "Seccomp:\t2" in status
            assert process.environ()["OMP_THREAD_LIMIT"] == "1"
            assert process.rlimit(psutil.RLIMIT_AS) == (2048 * MIB, 2048 * MIB)
            assert process.rlimit(psutil.RLIMIT_FSIZE) == (256 * MIB, 256 * MIB)
            assert process.rlimit(psutil.RLIMIT_CORE) == (0, 0)
            assert process.rlimit(psutil.RLIMIT_CPU)[0] <= 65
        # What a library prints must not pass for an answer.
        assert Path(f"/proc/{reader.pid}/fd/1").readlink().name == "stderr.txt"


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.socket()",
        "socket.create_connection(('127.0.0.1', PORT))",
        "os.setsid()",
        "os.setpgid(0, 0)",
        "open('large', 'wb').write(bytes(300 << 20))",
        "bytes(3 << 30)",
        "[open('/dev/null') for _ in range(100)]",
    ],
)
def test_a_confined_process_is_refused(attempt: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = (
            "import os, signal, socket\n"
            f"from {confine.__module__} import confine\n"
            "from ocr_worker.limits import Limits\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            f"PORT = {server.getsockname()[1]}\n"
            "confine(Limits())\n"
            "try:\n"
            f"    {attempt}\n"
            "except (OSError, MemoryError):\n"
            "    print('refused')\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
        )
    assert done.stdout == "refused\n"


async def test_nothing_outlives_a_killed_worker(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from ocr_worker.box import Box\n"
        "async def main():\n"
        "    async with Box.open(Path(sys.argv[1]), scratch_root=Path(sys.argv[2])) as box:\n"
        "        await box.read(1)\n"
        "asyncio.run(main())\n"
    )
    command = (sys.executable, "-c", code, str(LONG_PAGE), str(tmp_path / "boxes"))
    worker = await asyncio.create_subprocess_exec(*command)
    await tesseract(worker.pid)
    left = processes(worker.pid)
    assert len(left) == 3
    os.kill(worker.pid, signal.SIGKILL)
    await worker.wait()
    await eventually(lambda: asyncio.sleep(0, not any(map(alive, left))), within=5)

    assert len(list((tmp_path / "boxes").iterdir())) == 1
    async with Box.open(digital("habibi.pdf"), scratch_root=tmp_path / "boxes") as box:
        await box.read(1)
    assert list((tmp_path / "boxes").iterdir()) == []
