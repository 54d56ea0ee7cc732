"""Which backends there are, what they lack, and that none stands in for another in silence."""

from importlib.metadata import entry_points
from pathlib import Path

import pytest
from corpus import scan
from ocr_worker import tessdata
from ocr_worker.backends.protocol import GROUP, Availability, Backend
from ocr_worker.backends.registry import Backends
from ocr_worker.backends.tesseract import Tesseract
from ocr_worker.backends.tesseract_program import TesseractProgram
from ocr_worker.box import Box
from ocr_worker.errors import BackendUnavailable
from PIL import Image
from rapidfuzz.distance import Levenshtein


def states() -> dict[str, Availability]:
    return {state.name: state.availability for state in Backends().states()}


def test_every_backend_tells_whether_it_can_be_used() -> None:
    found = states()
    assert next(iter(found)) == "tesseract"
    assert found["tesseract"].usable
    assert found["pytesseract"].usable
    for name in ("deepseek", "got_ocr", "cpu_surya"):
        assert not found[name].usable
        assert "QUIRE_VISION_SERVERS" in found[name].install


@pytest.fixture
def _nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> object:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    for cached in (tessdata.folder, tessdata._names):
        cached.cache_clear()
    yield
    monkeypatch.undo()
    for cached in (tessdata.folder, tessdata._names):
        cached.cache_clear()


@pytest.mark.usefixtures("_nothing_installed")
@pytest.mark.parametrize("backend", [Tesseract(), TesseractProgram()])
def test_tesseract_without_anything_says_what_to_install(backend: Backend) -> None:
    state = backend.availability()
    assert not state.usable
    assert "tesseract-ocr" in state.install


@pytest.mark.usefixtures("_nothing_installed")
async def test_a_page_that_needs_a_missing_backend_is_named() -> None:
    async with Box.open(scan("phototest.tif")) as box:
        with pytest.raises(BackendUnavailable, match="Install tesseract-ocr"):
            await box.read(1)


@pytest.mark.parametrize("name", ["", "../tesseract", "os:system", "Tesseract"])
async def test_a_backend_that_nobody_offers_is_named(name: str) -> None:
    async with Box.open(scan("phototest.tif")) as box:
        with pytest.raises(BackendUnavailable, match="there are: tesseract"):
            await box.read(1, backend=name)


@pytest.mark.parametrize("name", [point.name for point in entry_points(group=GROUP)])
async def test_each_installed_backend_reads_a_page_and_locates_its_words(name: str) -> None:
    state = states()[name]
    if not state.usable:
        pytest.skip(f"{state.reason} {state.install}")
    async with Box.open(scan("phototest.tif")) as box:
        result = await box.read(1, backend=name)
    truth = " ".join(scan("phototest.txt").read_text().split())
    assert Levenshtein.distance(" ".join(result.text.split()), truth) <= 0.02 * len(truth)
    assert (result.source, result.backend) == ("ocr", name)
    assert result.confidence > 0.9
    (twelve,) = [word.bbox for word in result.words if word.text == "12"]
    assert twelve == pytest.approx((251, 92, 282, 116), abs=9)


async def test_a_page_comes_out_the_same_whatever_was_read_before() -> None:
    async with Box.open(scan("cardinal.pdf")) as box:
        first, second, third = [await box.read(number) for number in (1, 3, 1)]
    async with Box.open(scan("cardinal.pdf")) as box:
        alone = await box.read(3)
    assert first == third
    assert second == alone


def test_an_engine_is_as_good_within_the_process_as_without() -> None:
    with Image.open(scan("linn.png")) as image:
        picture = image.convert("L").reduce(2)
    texts = [
        backend.recognise(picture, language="en", dpi=150).reading.text.split()
        for backend in (Tesseract(), TesseractProgram())
    ]
    assert Levenshtein.normalized_distance(*texts) < 0.02
