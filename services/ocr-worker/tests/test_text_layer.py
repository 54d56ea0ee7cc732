"""What is stored as text is read as text; where a page only seems to hold text, it is looked at."""

from collections import Counter
from io import BytesIO
from pathlib import Path

import pdfplumber
import pytest
from corpus import DIGITAL, digital, scan
from ocr_worker.box import Box
from ocr_worker.errors import BackendUnavailable
from ocr_worker.pages import PageResult
from pdf_files import page, page_of_picture, page_of_text, stream
from PIL import Image
from rapidfuzz.distance import Levenshtein


@pytest.fixture(autouse=True)
def _no_tesseract(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))


async def read_all(path: Path) -> list[PageResult]:
    async with Box.open(path) as box:
        return [await box.read(number) for number in range(1, box.pages + 1)]


async def read_only(content: bytes, tmp_path: Path) -> PageResult:
    path = tmp_path / "document"
    path.write_bytes(content)
    async with Box.open(path) as box:
        assert box.pages == 1
        return await box.read(1)


@pytest.mark.parametrize("path", DIGITAL, ids=lambda path: path.stem)
async def test_a_digital_page_never_starts_tesseract(path: Path) -> None:
    for page_result in await read_all(path):
        assert page_result.source in {"text_layer", "blank"}
        assert page_result.confidence == 1
        assert page_result.text or page_result.source == "blank"


async def test_a_long_book_is_read_whole() -> None:
    pages = await read_all(digital("GeoTopo-komprimiert.pdf"))
    assert len(pages) == 117
    text = "\n".join(page_result.text for page_result in pages)
    assert "Ein topologischer Raum ist ein Paar" in text
    assert "Übungsaufgaben und Lösungen" in text  # hyphenated across two lines
    assert "(Schwarz-Weiß" in text  # its hyphen is its own
    assert "\r" not in text
    assert "\ufffe" not in text


async def test_arabic_is_read_in_the_order_of_speech() -> None:
    (page_result,) = await read_all(digital("habibi.pdf"))
    words = [word.text for word in page_result.words]
    assert "حَبيبي" in words
    assert "habibi" in words


@pytest.mark.parametrize(
    "name",
    [
        "la-precinct-bulletin-2014-p1.pdf",
        "nics-background-checks-2015-11.pdf",
        "pdflatex-4-pages.pdf",
        "scotus-transcript-p1.pdf",
        "senate-expenditures.pdf",
    ],
)
async def test_another_reader_finds_the_same_words_in_the_same_places(name: str) -> None:
    pages = await read_all(digital(name))
    with pdfplumber.open(digital(name)) as other:
        for ours, theirs in zip(pages, other.pages, strict=True):
            size = (float(theirs.width), float(theirs.height))
            assert (ours.width, ours.height) == pytest.approx(size, abs=0.01)
            expected = theirs.extract_words(x_tolerance_ratio=0.15)
            found = Counter(word.text for word in ours.words)
            common = found & Counter(word["text"] for word in expected)
            assert common.total() > 0.95 * len(expected)
            near = 0
            for word in expected:
                middle = (word["x0"] + word["x1"]) / 2, (word["top"] + word["bottom"]) / 2
                near += any(
                    word["text"] == own.text
                    and own.bbox[0] - 1 <= middle[0] <= own.bbox[2] + 1
                    and own.bbox[1] - 1 <= middle[1] <= own.bbox[3] + 1
                    for own in ours.words
                )
            assert near > 0.95 * len(expected)


async def test_text_and_words_agree() -> None:
    for page_result in await read_all(digital("pdflatex-4-pages.pdf")):
        assert page_result.text.split() == [word.text for word in page_result.words]


MEEM, LAM_ALEF, SEEN = "\u0645", "\u0644\u0627", "\u0633"


@pytest.mark.parametrize("ligature", [LAM_ALEF, "\ufefb"])
async def test_a_glyph_for_two_arabic_letters_keeps_their_order(
    ligature: str, tmp_path: Path
) -> None:
    # Fonts show words from left to right: meem, lam-alef, seen make "salam".
    meaning = {"a": MEEM, "b": ligature, "c": SEEN}
    result = await read_only(
        page_of_text(b"BT /F 12 Tf 50 200 Td (abc) Tj ET", meaning=meaning), tmp_path
    )
    assert result.text == SEEN + LAM_ALEF + MEEM


async def test_characters_beyond_16_bits_survive(tmp_path: Path) -> None:
    meaning = {"a": "𝔸", "b": "x"}
    result = await read_only(
        page_of_text(b"BT /F 12 Tf 50 200 Td (bab) Tj ET", meaning=meaning), tmp_path
    )
    assert result.text == "x𝔸x"


@pytest.mark.parametrize(
    ("rotation", "corner"),
    [(0, (100, 582)), (90, (200, 100)), (180, (502, 200)), (270, (582, 502))],
)
async def test_boxes_are_where_the_word_is_shown(
    rotation: int, corner: tuple[int, int], tmp_path: Path
) -> None:
    # The word starts 100 points from the left edge and 200 above the lower one.
    content = page_of_text(
        b"BT /F 10 Tf 110 220 Td (Hello) Tj ET",
        entries=b"/Rotate %d/CropBox[10 20 612 802]/MediaBox[0 0 700 900]" % rotation,
    )
    result = await read_only(content, tmp_path)
    upright = rotation in {0, 180}
    assert (result.width, result.height) == ((602, 782) if upright else (782, 602))
    x0, y0, x1, y1 = result.words[0].bbox
    near = {(x0, y0), (x0, y1), (x1, y0), (x1, y1)}
    assert any(abs(x - corner[0]) < 4 and abs(y - corner[1]) < 4 for x, y in near)
    assert (x1 - x0 > y1 - y0) == upright


async def test_a_page_without_anything_is_blank(tmp_path: Path) -> None:
    result = await read_only(page(b""), tmp_path)
    assert (result.source, result.text, result.words) == ("blank", "", ())


async def test_a_page_painted_white_is_blank(tmp_path: Path) -> None:
    result = await read_only(page(b"1 g 0 0 612 792 re f"), tmp_path)
    assert result.source == "blank"


async def test_a_word_among_drawings_is_enough(tmp_path: Path) -> None:
    content = page_of_text(b"0 0 300 300 re f BT /F 10 Tf 400 400 Td (Fig.) Tj ET")
    assert (await read_only(content, tmp_path)).source == "text_layer"


async def test_glyphs_without_a_meaning_are_looked_at(tmp_path: Path) -> None:
    meaning = {"a": "\ue001", "b": "\ue002", "c": "c"}
    content = page_of_text(b"BT /F 12 Tf 50 200 Td (ababc) Tj ET", meaning=meaning)
    with pytest.raises(BackendUnavailable):
        await read_only(content, tmp_path)


def picture() -> tuple[bytes, tuple[int, int]]:
    out = BytesIO()
    with Image.open(scan("phototest.tif")) as image:
        image.convert("L").save(out, "JPEG")
        return out.getvalue(), image.size


@pytest.mark.parametrize("in_form", [False, True])
async def test_a_page_number_on_a_scan_is_not_its_text(*, in_form: bool, tmp_path: Path) -> None:
    stamp = b"BT /F 10 Tf 300 20 Td (17) Tj ET"
    content = page_of_picture(*picture(), text=stamp, in_form=in_form)
    with pytest.raises(BackendUnavailable):
        await read_only(content, tmp_path)


async def test_hidden_text_on_a_scan_is_its_text(tmp_path: Path) -> None:
    hidden = b"BT 3 Tr /F 10 Tf 30 700 Td (This is a lot) Tj ET"
    result = await read_only(page_of_picture(*picture(), text=hidden), tmp_path)
    assert (result.source, result.text) == ("text_layer", "This is a lot")


async def test_a_text_layer_is_read_again_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(page_of_text(b"BT /F 12 Tf 50 200 Td (Hello) Tj ET"))
    async with Box.open(path) as box:
        with pytest.raises(BackendUnavailable):
            await box.read(1, force_ocr=True)


async def test_a_text_layer_comes_close_to_the_truth() -> None:
    (page_result,) = await read_all(digital("scotus-transcript-p1.pdf"))
    with pdfplumber.open(digital("scotus-transcript-p1.pdf")) as other:
        truth = " ".join(sorted(other.pages[0].extract_text().split()))
    ours = " ".join(sorted(page_result.text.split()))
    assert Levenshtein.normalized_distance(ours, truth) < 0.02


def picture_below_text(jpeg: bytes, size: tuple[int, int]) -> bytes:
    """Return a page with a screenful of text above a picture, and a line below it."""
    width, height = size
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    image = stream(
        jpeg,
        b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8"
        b"/ColorSpace/DeviceGray/Filter/DCTDecode" % (width, height),
    )
    above = b" ".join(b"(This sentence stands above the picture) '" for _ in range(8))
    show = (
        b"q 480 0 0 360 60 200 cm /I Do Q BT /F 12 Tf 14 TL 60 740 Td %s ET "
        b"BT /F 12 Tf 60 150 Td (and this one below) Tj ET" % above
    )
    resources = b"/Font<</F 5 0 R>>/XObject<</I 6 0 R>>"
    return page(show, resources=resources, more=[font, image])


async def test_a_large_picture_among_text_is_read_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # here Tesseract is wanted
    result = await read_only(picture_below_text(*picture()), tmp_path)
    assert (result.source, result.backend) == ("text_layer", "pdfium+tesseract")
    above, inside, below = (
        result.text.index(part)
        for part in ("stands above", "quick brown dog jumped", "and this one below")
    )
    assert above < inside < below
    assert result.text.split() == [word.text for word in result.words]
    (twelve,) = [word.bbox for word in result.words if word.text == "12"]
    # The word stands 251 pixels from the left and 92 from the top of a picture of 640 × 480.
    assert twelve[:2] == pytest.approx((60 + 251 * 0.75, 232 + 92 * 0.75), abs=3)


async def test_a_photograph_among_text_stays_a_photograph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    out = BytesIO()
    Image.effect_noise((640, 480), 120).save(out, "JPEG")
    result = await read_only(picture_below_text(out.getvalue(), (640, 480)), tmp_path)
    assert (result.source, result.backend) == ("text_layer", "pdfium")
    assert result.confidence == 1
