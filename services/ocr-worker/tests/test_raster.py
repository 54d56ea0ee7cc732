"""Pages are turned, levelled and scaled for the engine; words stay where the reader sees them."""

import math
from pathlib import Path

import pytest
from corpus import scan
from hypothesis import given
from hypothesis import strategies as st
from ocr_worker.box import Box
from ocr_worker.pages import PageResult
from ocr_worker.placement import Placement
from ocr_worker.skew import find_skew
from ocr_worker.text_height import may_be_turned, text_height
from PIL import Image
from rapidfuzz.distance import Levenshtein


def page_of_text() -> Image.Image:
    with Image.open(scan("linn.png")) as image:
        return image.convert("L")


@pytest.fixture(scope="module")
def text() -> Image.Image:
    return page_of_text()


def test_the_height_of_letters_follows_the_scale(text: Image.Image) -> None:
    height = text_height(text) or 0
    assert height == pytest.approx(18, abs=1)
    assert text_height(text.reduce(2)) == pytest.approx(height / 2, abs=1)
    assert text_height(text.point(lambda shade: 255 * (shade > 128)).convert("1")) == (
        pytest.approx(height, abs=1)
    )


@pytest.mark.parametrize("empty", [Image.new("L", (900, 900), 255), Image.new("L", (1, 1), 0)])
def test_nothing_has_no_height(empty: Image.Image) -> None:
    assert text_height(empty) is None


@pytest.mark.parametrize(("degrees", "turned"), [(0, False), (90, True), (180, True), (270, True)])
def test_a_page_that_is_not_upright_is_suspected(
    degrees: int,
    turned: bool,
    text: Image.Image,
) -> None:
    assert may_be_turned(text.rotate(degrees, expand=True)) == turned


@pytest.mark.parametrize("degrees", [-5.0, -2.0, -0.7, 0.0, 0.7, 2.0, 5.0])
def test_the_skew_is_found(degrees: float, text: Image.Image) -> None:
    askew = text.reduce(2).rotate(-degrees, Image.Resampling.BICUBIC, fillcolor=255)
    assert find_skew(askew) == pytest.approx(degrees, abs=0.2)


def test_nothing_is_not_askew() -> None:
    assert find_skew(Image.new("L", (300, 400), 255)) == 0


@given(
    rotation=st.sampled_from([0, 90, 180, 270]),
    skew=st.floats(-6, 6),
    x=st.floats(0.2, 0.8),
    y=st.floats(0.2, 0.8),
)
def test_a_point_comes_back_to_where_it_was(rotation: int, skew: float, x: float, y: float) -> None:
    """Follow a point of the page through all that is done to the picture, and back."""
    page = (600.0, 800.0)
    scaled = (300, 400) if rotation in {0, 180} else (400, 300)
    across, down = {0: (x, y), 90: (1 - y, x), 180: (1 - x, 1 - y), 270: (y, 1 - x)}[rotation]
    angle = math.radians(skew)
    picture = Image.new("1", scaled).rotate(skew, expand=True).size
    from_middle = (across - 0.5) * scaled[0], (down - 0.5) * scaled[1]
    seen = (
        from_middle[0] * math.cos(angle) + from_middle[1] * math.sin(angle) + picture[0] / 2,
        -from_middle[0] * math.sin(angle) + from_middle[1] * math.cos(angle) + picture[1] / 2,
    )
    placement = Placement(page, rotation, skew, scaled, picture)
    found = placement.on_page((*seen, *seen))
    assert found[:2] == pytest.approx((x * page[0], y * page[1]), abs=1e-6)
    assert found[2:] == found[:2]


async def read(image: Image.Image, path: Path) -> PageResult:
    image.save(path, dpi=(300, 300))
    async with Box.open(path) as box:
        return await box.read(1)


async def test_words_of_a_skewed_and_turned_page_are_where_they_are_shown(
    text: Image.Image, tmp_path: Path
) -> None:
    upright = await read(text, tmp_path / "upright.png")
    askew = text.rotate(-2, Image.Resampling.BICUBIC, fillcolor=255)
    turned = await read(askew.transpose(Image.Transpose.ROTATE_90), tmp_path / "turned.png")
    assert turned.rotation == 90
    assert turned.skew == pytest.approx(2, abs=0.2)
    (box,) = [word.bbox for word in upright.words if word.text == "LinnSequencer"][:1]
    (found,) = [word.bbox for word in turned.words if word.text == "LinnSequencer"][:1]
    # Where the middle of the word went: two degrees clockwise about the middle of the page …
    angle = math.radians(2)
    x = (box[0] + box[2] - text.width) / 2
    y = (box[1] + box[3] - text.height) / 2
    x, y = x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle)
    x, y = x + text.width / 2, y + text.height / 2
    # … and a quarter turn anticlockwise.
    expected = (y, text.width - x)
    middle = (found[0] + found[2]) / 2, (found[1] + found[3]) / 2
    assert middle == pytest.approx(expected, abs=8)


@pytest.mark.parametrize("depth", ["L", "1"])
async def test_small_print_is_not_made_smaller(depth: str, tmp_path: Path) -> None:
    """Six points at 300 dpi: the letters are as high as they need to be, and stay so."""
    page = page_of_text()
    small = page.resize((page.width * 12 // 18, page.height * 12 // 18), Image.Resampling.LANCZOS)
    if depth == "1":
        small = small.point(lambda shade: 255 * (shade > 140)).convert("1")
    result = await read(small, tmp_path / "small.png")
    truth = " ".join(scan("linn.txt").read_text(encoding="utf-8").split())
    assert Levenshtein.distance(" ".join(result.text.split()), truth) / len(truth) < 0.03


async def test_a_coarse_picture_is_made_larger(tmp_path: Path) -> None:
    coarse = page_of_text().reduce(3)
    result = await read(coarse, tmp_path / "coarse.png")
    truth = " ".join(scan("linn.txt").read_text(encoding="utf-8").split())
    assert Levenshtein.distance(" ".join(result.text.split()), truth) / len(truth) < 0.06
