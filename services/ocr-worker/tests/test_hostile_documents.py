"""Whatever a document is, it ends in a named error or a bounded result, and the worker lives."""

import re
from pathlib import Path

import pytest
from bombs import BOMBS, looping_tiff
from corpus import BROKEN, broken, digital
from ocr_worker.box import Box
from ocr_worker.errors import ReadingError
from ocr_worker.limits import Limits
from pdf_files import page, page_of_text

MOST_GROWTH = 100 * 1024 * 1024


class PeakMemory:
    """How much this process has grown at the most since the start of the measurement, in bytes."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak
        self._before = self._peak()

    def growth(self) -> int:
        return self._peak() - self._before

    @staticmethod
    def _peak() -> int:
        status = Path("/proc/self/status").read_text()
        match = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert match is not None
        return int(match[1]) * 1024


async def outcome(path: Path, limits: Limits | None = None) -> str:
    """Return what comes of the document's pages: the source of the last, or the error's name."""
    source = ""
    try:
        async with Box.open(path, limits=limits) as box:
            for number in range(1, box.pages + 1):
                source = (await box.read(number)).source
    except ReadingError as error:
        return error.slug
    return source


async def assert_that_the_next_document_is_read() -> None:
    assert await outcome(digital("pdflatex-4-pages.pdf")) == "text_layer"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("enormous.pdf", "ocr"),
        ("hugemono.pdf", "page-too-large"),
        ("invalid.pdf", "document-damaged"),
        ("malformed-from-issue-932.pdf", "ocr"),
        ("password-example.pdf", "document-encrypted"),
        ("truncated.pdf", "document-damaged"),
    ],
)
async def test_a_broken_document_has_a_named_end(name: str, expected: str) -> None:
    memory = PeakMemory()
    assert await outcome(broken(name)) == expected
    assert memory.growth() < MOST_GROWTH
    await assert_that_the_next_document_is_read()


def test_no_broken_document_was_forgotten() -> None:
    assert len(BROKEN) == 6


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_has_a_named_end(name: str, tmp_path: Path) -> None:
    build, expected = BOMBS[name]
    path = tmp_path / "document"
    path.write_bytes(build())
    memory = PeakMemory()
    assert await outcome(path, Limits(memory_bytes=3 << 29)) == expected
    assert memory.growth() < MOST_GROWTH
    await assert_that_the_next_document_is_read()


@pytest.mark.parametrize("count", [1_000_000, 2_147_483_647])
async def test_pages_are_counted_and_not_believed(count: int, tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(page(b"0 0 10 10 re f", kids=b"3 0 R 3 0 R 3 0 R", count=count))
    async with Box.open(path) as box:
        assert box.pages == 3


async def test_frames_that_go_round_in_circles_are_counted_once(tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(looping_tiff())
    async with Box.open(path) as box:
        assert box.pages == 3


@pytest.mark.parametrize("boxes", [b"/CropBox[700 900 800 990]", b"/MediaBox[0 0 0.1 0.1]"])
async def test_a_page_without_an_area_is_damaged(boxes: bytes, tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(page_of_text(b"BT /F 12 Tf 50 50 Td (Hello) Tj ET", entries=boxes))
    assert await outcome(path) == "page-damaged"


async def test_a_large_page_is_drawn_smaller(tmp_path: Path) -> None:
    """At 300 dpi it would have 100 megapixels; at what fits into the budget it is readable."""
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    show = b"0 0 2400 9 re f BT /F 40 Tf 400 1000 Td (The quick brown dog on a poster) Tj ET"
    path = tmp_path / "document"
    content = page(show, box=(0, 0, 2400, 2400), resources=b"/Font<</F 5 0 R>>", more=[font])
    path.write_bytes(content)
    async with Box.open(path, limits=Limits(pixels=10_000_000)) as box:
        result = await box.read(1, force_ocr=True)
    assert (result.width, result.height) == (2400, 2400)
    assert result.text == "The quick brown dog on a poster"
    x0, y0, x1, y1 = result.words[0].bbox
    assert 395 < x0 < x1 < 500
    assert 1360 < y0 < y1 < 1405


async def test_a_page_that_the_document_does_not_have_is_refused() -> None:
    async with Box.open(digital("habibi.pdf")) as box:
        for number in (0, 2, -1):
            with pytest.raises(IndexError):
                await box.read(number)
