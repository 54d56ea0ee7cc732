"""hOCR, as a program that takes it reads it."""

import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET

import httpx
import pytest
from documents.exports.hocr import hocr_page
from documents.exports.pages import ReadPage
from hypothesis import given
from hypothesis import strategies as st

LetRead = Callable[..., Awaitable[list[str]]]
XHTML = "{http://www.w3.org/1999/xhtml}"
HOSTILE = ['<script>alert("x")</script>', "&amp;&", "]]>", "<!--", "-->", "'\"", "{title}"]


def page(number: int, *words: str, **fields: Any) -> dict[str, Any]:
    placed = [
        {"text": word, "bbox": [72 * x + 0.4, 10.6, 72 * x + 70, 20], "confidence": 0.914}
        for x, word in enumerate(words)
    ]
    fixed = {"number": number, "width": 595.5, "height": 842, "source": "text_layer"}
    return {**fixed, "confidence": 1, "text": " ".join(words), "words": placed, **fields}


def named(root: ET.Element, kind: str) -> list[ET.Element]:
    return [element for element in root.iter() if element.get("class") == kind]


@pytest.fixture
async def root(
    client: httpx.AsyncClient, document: dict[str, Any], let_read: LetRead
) -> ET.Element:
    await client.patch(f"/documents/{document['id']}", json={"title": "</title><script>&"})
    await let_read(document, page(1, *HOSTILE), None, page(3, "three"))
    answer = await client.get(f"/documents/{document['id']}/export?format=hocr")
    assert answer.headers["content-type"] == "text/vnd.hocr+html; charset=utf-8"
    return ET.fromstring(answer.content)


async def test_hostile_text_is_text(root: ET.Element) -> None:
    assert root.tag == f"{XHTML}html"
    words = [word.text for word in named(root, "ocrx_word")]
    assert words == [*HOSTILE, "three"]
    assert root.findtext(f"{XHTML}head/{XHTML}title") == "</title><script>&"
    assert not list(root.iter(f"{XHTML}script"))


async def test_a_pdf_is_told_in_pixels_at_300_dpi(root: ET.Element) -> None:
    first, third = named(root, "ocr_page")
    assert first.get("title") == "bbox 0 0 2482 3509; ppageno 0; scan_res 300 300"
    assert str(third.get("title")).endswith("; ppageno 2; scan_res 300 300")
    word = named(root, "ocrx_word")[1]
    assert word.get("title") == "bbox 301 44 592 84; x_wconf 91"


async def test_what_is_required_is_there_and_the_missing_page_is_named(
    client: httpx.AsyncClient, root: ET.Element, document: dict[str, Any]
) -> None:
    told = {meta.get("name"): meta.get("content") for meta in root.iter(f"{XHTML}meta")}
    classes = {str(element.get("class")) for element in root.iter() if element.get("class")}
    assert told["ocr-system"] == "Quire"
    assert classes == {"ocr_page", "ocr_par", "ocr_line", "ocrx_word"}
    assert classes < set(str(told["ocr-capabilities"]).split())
    assert told["ocr-number-of-pages"] == "3"
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    text = (await client.get(f"/documents/{document['id']}/export?format=hocr")).text
    assert "<!-- page 2 was not read -->" in text


COORDINATES = st.floats(-1e9, 1e9)
ANY_WORDS = st.lists(
    st.fixed_dictionaries(
        {
            "text": st.text(st.characters(codec="utf-8"), min_size=1),
            "bbox": st.tuples(COORDINATES, COORDINATES, COORDINATES, COORDINATES),
            "confidence": st.floats(0, 1),
        }
    )
)


@given(ANY_WORDS, st.booleans(), st.sampled_from([0, 90, 180, 270]), st.floats(-80, 80))
def test_whatever_was_read_is_well_formed_and_stands_on_the_page(
    words: list[dict[str, Any]], is_pdf: bool, rotation: int, skew: float
) -> None:
    text = "\n".join(word["text"] for word in words)
    given = page(1, words=words, source="ocr", text=text, rotation=rotation, skew=skew)
    root = ET.fromstring(hocr_page(ReadPage.model_validate(given), is_pdf=is_pdf))

    assert len(named(root, "ocrx_word")) == len(words)
    assert not [element for element in root.iter() if not element.get("class")]
    _, _, width, height = edges(root)
    for element in root.iter():
        x0, y0, x1, y1 = edges(element)
        assert 0 <= x0 <= x1 <= width
        assert 0 <= y0 <= y1 <= height


def edges(element: ET.Element) -> tuple[int, int, int, int]:
    found = re.match(r"bbox (\d+) (\d+) (\d+) (\d+)(;|$)", str(element.get("title")))
    assert found is not None
    x0, y0, x1, y1 = (int(edge) for edge in found.groups()[:4])
    return x0, y0, x1, y1


async def test_an_image_is_told_in_its_own_pixels(
    client: httpx.AsyncClient,
    let_read: LetRead,
    upload: Callable[..., Awaitable[httpx.Response]],
) -> None:
    image = (await upload(b"\x89PNG\r\n\x1a\n" + uuid4().bytes, name="scan.png")).json()
    await let_read(image, page(1, "مرحبا", width=640, height=480))
    answer = await client.get(f"/documents/{image['id']}/export?format=hocr")
    root = ET.fromstring(answer.content)

    assert named(root, "ocr_page")[0].get("title") == "bbox 0 0 640 480; ppageno 0"
    assert named(root, "ocrx_word")[0].get("title") == "bbox 0 10 70 20; x_wconf 91"
    assert named(root, "ocr_par")[0].get("dir") == "rtl"


async def test_a_turned_page_is_told_as_it_is_shown_with_the_angle_of_its_lines(
    client: httpx.AsyncClient, document: dict[str, Any], let_read: LetRead
) -> None:
    """Its text runs from the bottom to the top: it must be turned clockwise."""
    lower = {"text": "one", "bbox": [72, 144, 82, 180], "confidence": 1}
    upper = {"text": "two", "bbox": [72, 72, 82, 108], "confidence": 1}
    turned = page(1, "one", "two", words=[lower, upper], rotation=90)
    await let_read(document, turned)
    answer = await client.get(f"/documents/{document['id']}/export?format=hocr")
    root = ET.fromstring(answer.content)

    (line,) = named(root, "ocr_line")
    assert line.get("title") == "bbox 300 300 342 750; textangle 90"
    first, second = named(root, "ocrx_word")
    assert first.get("title") == "bbox 300 600 342 750; x_wconf 100"
    assert second.get("title") == "bbox 300 300 342 450; x_wconf 100"
