"""Scans come out readable, whichever way up they are, with every word in its place."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from corpus import SCANS, scan
from ocr_worker.box import Box
from ocr_worker.errors import LanguageNotInstalled
from ocr_worker.pages import PageResult
from PIL import Image
from rapidfuzz.distance import Levenshtein

AT_ONCE = 2
LANGUAGES = {"francais.pdf": "fr", "eurotext.tif": "eng+deu+fra"}


@pytest.fixture(scope="module")
def scans() -> dict[str, list[PageResult]]:
    """Every page of every scan, read once for all the tests."""
    return asyncio.run(_read_all())


async def _read_all() -> dict[str, list[PageResult]]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def read(path: Path) -> list[PageResult]:
        language = LANGUAGES.get(path.name, "eng")
        async with slots, Box.open(path) as box:
            return [await box.read(n, language=language) for n in range(1, box.pages + 1)]

    results = await asyncio.gather(*map(read, SCANS))
    return {path.name: pages for path, pages in zip(SCANS, results, strict=True)}


def error_rate(text: str, truth_file: str) -> float:
    """Character errors per character of the truth, white space being all alike."""
    truth = " ".join(scan(truth_file).read_text(encoding="utf-8", errors="replace").split())
    return Levenshtein.distance(" ".join(text.split()), truth) / len(truth)


def words_at(page: PageResult, text: str) -> list[tuple[float, float, float, float]]:
    return [word.bbox for word in page.words if word.text == text]


def test_every_page_of_every_scan_has_text(scans: dict[str, list[PageResult]]) -> None:
    assert {name: len(pages) for name, pages in scans.items() if len(pages) != 1} == {
        "cardinal.pdf": 4,
        "multipage.pdf": 6,
    }
    for name, pages in scans.items():
        for number, page in enumerate(pages, start=1):
            layered = (name, number) == ("multipage.pdf", 4)
            assert page.number == number
            assert page.source == ("text_layer" if layered else "ocr")
            assert page.backend == ("pdfium" if layered else "tesseract")
            assert page.text
            assert 0.4 < page.confidence <= 1  # one is a chart with next to no words
            for word in page.words:
                x0, y0, x1, y1 = word.bbox
                assert -1 <= x0 < x1 <= page.width + 1
                assert -1 <= y0 < y1 <= page.height + 1


def test_a_clean_page_is_read_without_a_mistake(scans: dict[str, list[PageResult]]) -> None:
    (page,) = scans["phototest.tif"]
    assert page.text == scan("phototest.txt").read_text(encoding="utf-8").strip()
    assert page.text.split() == [word.text for word in page.words]


def test_a_page_that_is_upside_down_is_read_as_well(scans: dict[str, list[PageResult]]) -> None:
    (upright,), (turned,) = scans["phototest.tif"], scans["phototest-rotated-180.png"]
    assert turned.text == scan("phototest-rotated-180.txt").read_text(encoding="utf-8").strip()
    x0, y0, x1, y1 = words_at(upright, "12")[0]
    turned_box = (640 - x1, 480 - y1, 640 - x0, 480 - y0)
    assert words_at(turned, "12")[0] == pytest.approx(turned_box, abs=3)


@pytest.mark.parametrize(
    ("name", "truth", "most"),
    [
        ("8071_093.3B.tif", "8071_093.3B.txt", 0.10),
        ("linn.png", "linn.txt", 0.02),
        ("linn.pdf", "linn.txt", 0.02),
    ],
)
def test_few_characters_are_wrong(
    name: str, truth: str, most: float, scans: dict[str, list[PageResult]]
) -> None:
    assert error_rate(scans[name][0].text, truth) <= most


def test_all_four_orientations_are_read_and_located(scans: dict[str, list[PageResult]]) -> None:
    upright, right, over, left = scans["cardinal.pdf"]
    for page in (upright, right, over, left):
        assert error_rate(page.text, "linn.txt") <= 0.02
    x0, y0, x1, y1 = words_at(upright, "LinnSequencer")[0]
    width, height = upright.width, upright.height
    expected = (
        (over, (width - x1, height - y1, width - x0, height - y0)),
        (right, (height - y1, x0, height - y0, x1)),
        (left, (y0, width - x1, y1, width - x0)),
    )
    for page, box in expected:
        assert words_at(page, "LinnSequencer")[0] == pytest.approx(box, abs=1.5)


def test_boxes_of_a_scanned_pdf_are_in_points(scans: dict[str, list[PageResult]]) -> None:
    (pixels,), (points,) = scans["linn.png"], scans["linn.pdf"]
    assert (points.width, points.height) == (612, 792)
    expected = [edge * 72 / 300 for edge in words_at(pixels, "LinnSequencer")[0]]
    assert list(words_at(points, "LinnSequencer")[0]) == pytest.approx(expected, abs=0.5)


def test_accents_are_read(scans: dict[str, list[PageResult]]) -> None:
    (page,) = scans["francais.pdf"]
    assert page.language == "fra"
    assert "dans l'âtre" in page.text
    assert "ambiguë" in page.text


def test_several_languages_at_once(scans: dict[str, list[PageResult]]) -> None:
    (page,) = scans["eurotext.tif"]
    assert page.language == "eng+deu+fra"
    assert "The (quick) [brown] {fox} jumps!" in page.text
    assert "über den faulen Hund" in page.text
    assert "saute par-dessus le chien" in page.text


@pytest.mark.parametrize("language", ["xx", "eng+klingon", "", "osd", "../eng", "-l eng"])
async def test_a_language_that_is_not_there_is_named(language: str) -> None:
    async with Box.open(scan("phototest.tif")) as box:
        with pytest.raises(LanguageNotInstalled):
            await box.read(1, language=language)
        assert (await box.read(1, language="en")).language == "eng"


async def read_picture(image: Image.Image, path: Path, **save: Any) -> PageResult:
    image.save(path, **save)
    async with Box.open(path) as box:
        return await box.read(1)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I;16"])
async def test_every_kind_of_pixel_is_read(mode: str, tmp_path: Path) -> None:
    with Image.open(scan("phototest.tif")) as original:
        grey = original.convert("L")
    if mode == "I;16":
        image = Image.new("I;16", grey.size)
        image.putdata([value * 256 for value in grey.tobytes()])
    elif mode.endswith("A"):
        # Black ink on nothing, so that only the transparency tells ink from paper.
        image = Image.new(mode, grey.size)
        image.putalpha(grey.point(lambda value: 255 - value))
    else:
        image = grey.convert(mode)
    result = await read_picture(image, tmp_path / "page.tif")
    assert "The quick brown dog jumped" in result.text


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
async def test_the_content_decides_about_the_format(kind: str, tmp_path: Path) -> None:
    with Image.open(scan("phototest.tif")) as original:
        grey = original.convert("L")
    result = await read_picture(grey, tmp_path / "page.doc", format=kind, quality=90)
    assert "The quick brown dog jumped" in result.text


async def test_a_photograph_is_read_as_it_is_to_be_viewed(tmp_path: Path) -> None:
    with Image.open(scan("phototest.tif")) as original:
        lying = original.convert("L").transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it turned clockwise
    result = await read_picture(lying, tmp_path / "page.jpg", exif=exif, quality=95)
    assert (result.width, result.height) == (640, 480)
    assert words_at(result, "12")[0] == pytest.approx((251, 92, 282, 116), abs=3)


async def test_every_frame_is_a_page(tmp_path: Path) -> None:
    with Image.open(scan("phototest.tif")) as original:
        text = original.convert("L")
    empty = Image.new("L", (100, 50), "white")
    text.save(tmp_path / "pages.tif", save_all=True, append_images=[empty, text])
    async with Box.open(tmp_path / "pages.tif") as box:
        assert box.pages == 3
        third, second, first = [await box.read(number) for number in (3, 2, 1)]
    assert (first.source, second.source, third.source) == ("ocr", "blank", "ocr")
    assert (second.width, second.height) == (100, 50)
    assert first.text == third.text
