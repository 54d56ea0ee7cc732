"""Markdown, as a program makes HTML of it."""

import re
from collections.abc import Awaitable, Callable
from html import unescape
from typing import Any

import httpx
import pytest
from documents.exports.markdown import Body, inert, markdown_page, table
from documents.exports.pages import ReadPage
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

LetRead = Callable[..., Awaitable[list[str]]]
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
READABLE = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs"])
MARKS = st.sampled_from("\\`*_[]{}()#+-.!|~&=:<>/\"'@^$0123456789ab ")
TEXTS = st.text(MARKS | READABLE, min_size=1).map(lambda text: " ".join(text.split())).filter(bool)
HOSTILE = [
    "<script>alert(1)</script>",
    "[click](javascript:alert(1))",
    "![x](http://example.com/x.png)",
    "](javascript:alert(1))",
    "`code` ``` ~~~",
    "a | b",
    "&lt;script&gt;",
    "<!-- comment -->",
    "# no heading",
    "- no list",
    "1. no list",
    "--- ",
    "=== ",
    "> no quotation",
    "[x]: http://example.com",
    "**bold** __bold__ ~~gone~~",
    "<http://example.com>",
    "\\",
]


def page(*lines: tuple[str, float, float], **fields: Any) -> ReadPage:
    """Return a page of lines, each its text, its top and the height of its letters."""
    words = []
    for line, top, height in lines:
        x = 0.0
        for word in line.split():
            box = (x, top, x + len(word) * height, top + height)
            words.append({"text": word, "bbox": box, "confidence": 1})
            x = box[2] + height / 2
    fixed = {"number": 1, "width": 600, "height": 800, "source": "text_layer", "confidence": 1}
    text = "\n".join(line for line, _, _ in lines)
    return ReadPage.model_validate({**fixed, "text": text, "words": words, **fields})


def blocks(read: ReadPage) -> list[str]:
    return markdown_page(read, Body()).strip().split("\n\n")


@pytest.mark.parametrize("text", HOSTILE)
def test_no_mark_means_anything(text: str) -> None:
    assert MARKDOWN.render(inert(text)) == f"<p>{escaped(text)}</p>\n"
    item = MARKDOWN.render(f"- {inert(text)}")
    assert item == f"<ul>\n<li>{escaped(text)}</li>\n</ul>\n"
    heading = MARKDOWN.render(f"## {inert(text)}")
    assert heading == f"<h2>{escaped(text)}</h2>\n"
    assert MARKDOWN.render(table([[text, text]])).count(f"<th>{escaped(text)}</th>") == 2


@given(TEXTS)
def test_any_text_is_shown_as_it_was_read(text: str) -> None:
    assert MARKDOWN.render(inert(text)) == f"<p>{escaped(text)}</p>\n"


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=2), min_size=1))
def test_any_cell_is_shown_as_it_was_read(rows: list[list[str]]) -> None:
    shown = MARKDOWN.render(table(rows))
    cells = re.findall(r"<t[hd]>(.*?)</t[hd]>", shown)
    assert [unescape(cell) for cell in cells] == [cell for row in rows for cell in row]


def escaped(text: str) -> str:
    pairs = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"))
    shown = " ".join(text.split())
    for character, entity in pairs:
        shown = shown.replace(character, entity)
    return shown


def test_old_dialects_see_no_tag_either() -> None:
    """They know no backslash before an angle bracket, and would show the tag."""
    assert "<" not in inert("\\<script>")


def test_addresses_become_no_links() -> None:
    for text in ("http://example.com", "see https://example.com", "www.example.com"):
        assert not re.search(r"(?<!\\)://|www\.", inert(text))


def test_headings_are_as_much_larger_as_they_are_higher() -> None:
    body = [(f"some text that goes on and on {n}", 100 + 12.0 * n, 10.0) for n in range(20)]
    read = page(("A Title", 0, 24), ("A chapter", 40, 16), ("A section", 70, 13), *body)

    first, *headings, prose = blocks(read)
    assert first == "<!-- page 1 -->"
    assert headings == ["# A Title", "## A chapter", "### A section"]
    assert prose == " ".join(line for line, _, _ in body)


def test_letters_without_tails_are_no_smaller_in_a_scan() -> None:
    """OCR boxes are tight: "sum" is lower than "Hagel" in the same font."""
    lines = [("as some sums mean more", 12.0 * n, 5.0) for n in range(20)]
    read = page(*lines, ("Hagel folgt", 240, 9.3), source="ocr")

    assert not [block for block in blocks(read) if block.startswith("#")]


def test_lists_keep_their_numbers_and_their_long_items() -> None:
    read = page(
        ("Bring:", 0, 10),
        ("• tea", 12, 10),
        ("• much <b>rum</b>", 24, 10),
        ("and sugar", 36, 10),
        ("3. Third", 100, 10),
        ("4) Fourth", 112, 10),
        ("It was", 200, 10),
        ("4. May then", 212, 10),
    )
    assert blocks(read)[1:] == [
        "Bring:",
        "- tea\n- much &lt;b&gt;rum&lt;/b&gt; and sugar",
        "3. Third\n4. Fourth",
        "It was 4. May then",
    ]


def test_a_sentence_that_goes_on_in_the_next_column_is_one_paragraph() -> None:
    left, right = ("It began here and", 700, 10), ("went on there. The end", 0, 10)
    assert blocks(page(left, right))[1:] == ["It began here and went on there. The end"]
    ended = ("It ended here.", 700, 10)
    assert len(blocks(page(ended, right))[1:]) == 2


def test_a_table_stands_where_its_words_were() -> None:
    cells = {"bbox": [0, 95, 600, 130], "headers": ["Item", "a|b"], "rows": [["Tea"], ["=1", "`"]]}
    read = page(("Before", 0, 10), ("Item a|b", 100, 10), ("Tea", 112, 10), ("After", 200, 10))
    with_table = ReadPage.model_validate({**read.model_dump(), "tables": [cells]})

    assert blocks(with_table)[1:] == [
        "Before",
        "| Item | a&#124;b |\n| --- | --- |\n| Tea |  |\n| \\=1 | \\` |",
        "After",
    ]


def test_a_table_without_words_comes_last_and_one_without_columns_not_at_all() -> None:
    tables = [
        {"bbox": [0, 0, 1, 1], "headers": [], "rows": [[None, "x"]]},
        {"bbox": [0, 0, 1, 1], "headers": [], "rows": []},
    ]
    read = page(("Text", 100, 10), tables=tables)
    assert blocks(read)[1:] == ["Text", "|  |  |\n| --- | --- |\n|  | x |"]


async def test_pages_are_parted_by_comments_also_those_that_are_missing(
    client: httpx.AsyncClient, document: dict[str, Any], let_read: LetRead
) -> None:
    await let_read(document, page(("One", 0, 10)).model_dump(), None)
    answer = await client.get(f"/documents/{document['id']}/export?format=md")

    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.text == "<!-- page 1 -->\n\nOne\n\n<!-- page 2 was not read -->\n\n"
