"""The box holds: whatever happens to a reader, one page is lost and nothing is left behind."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from common.testing import eventually
from corpus import digital, scan
from ocr_worker.box import Box
from ocr_worker.errors import (
    DocumentTooComplex,
    PageError,
    PageOutOfMemory,
    PageTimedOut,
    ReaderCrashed,
)
from ocr_worker.limits import Limits
from ocr_worker.scratch import sweep
from pdf_files import nested_forms
from processes import alive, assert_nothing_is_left, processes, reading, tesseract

LONG_PAGE = scan("8071_093.3B.tif")
MIB = 1 << 20


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
        reader = (await tesseract()).parent()
        assert reader is not None
        guard = reader.parent()
        assert guard is not None
        assert guard.ppid() == os.getpid()
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


@pytest.mark.parametrize(
    ("name", "page", "mebibytes", "backend"),
    [
        ("multipage.pdf", 2, 400, "tesseract"),  # pdfium leaves the picture out
        ("typewriter.png", 1, 150, "tesseract"),  # Tesseract cannot work on the picture
        ("typewriter.png", 1, 180, "pytesseract"),  # nor can the program
    ],
)
async def test_a_page_has_its_memory(
    name: str, page: int, mebibytes: int, backend: str, tmp_path: Path
) -> None:
    limits = Limits(memory_bytes=mebibytes * MIB)
    async with Box.open(scan(name), limits=limits, scratch_root=tmp_path) as box:
        with pytest.raises(PageOutOfMemory):
            await box.read(page, backend=backend)
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


async def test_nothing_outlives_a_killed_worker(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from ocr_worker.box import Box\n"
        "async def main():\n"
        "    async with Box.open(Path(sys.argv[1]), scratch_root=Path(sys.argv[2])) as box:\n"
        "        await box.read(1, backend='pytesseract')\n"
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

    assert sweep(tmp_path / "boxes") == 1
    assert list((tmp_path / "boxes").iterdir()) == []
