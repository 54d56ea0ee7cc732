"""How the words of a page find their lines, and the lines their paragraphs."""

from collections.abc import Callable
from math import radians, tan

import pytest
from documents.exports.lines import lines_of, match
from documents.exports.pages import Box, ReadPage, Word
from documents.exports.paragraphs import paragraphs
from documents.exports.upright import upright
from hypothesis import given
from hypothesis import strategies as st

SIZES = st.floats(-1e6, 1e6)
BOXES = st.tuples(SIZES, SIZES, SIZES, SIZES)
TOKENS = st.text(st.sampled_from("abcÄ-.1"), min_size=1, max_size=4)
WORDS = st.lists(st.builds(Word, text=TOKENS, bbox=BOXES, confidence=st.floats(0, 1)))
TEXTS = st.text(st.sampled_from("abcÄ-.1 \n"))


def word(text: str, x: float, y: float, *, height: float = 10) -> Word:
    return Word(text=text, bbox=(x, y, x + 6 * len(text), y + height), confidence=1)


def laid_out(*lines: str, pitch: float = 12) -> tuple[str, list[Word]]:
    words = []
    for number, line in enumerate(lines):
        x = 6.0 * (len(line) - len(line.lstrip()))
        for text in line.split():
            words.append(word(text, x, number * pitch))
            x += 6 * (len(text) + 1)
    return "\n".join(" ".join(line.split()) for line in lines), words


def shown(text: str, words: list[Word]) -> list[str]:
    return [" ".join(word.text for word in line.words) for line in lines_of(text, words)]


@given(TEXTS, WORDS)
def test_every_word_is_in_one_line_in_its_order(text: str, words: list[Word]) -> None:
    lines = lines_of(text, words)
    assert [word for line in lines for word in line.words] == words


@given(TEXTS, WORDS)
def test_the_text_of_the_lines_is_the_text(text: str, words: list[Word]) -> None:
    tokens = [token for line in lines_of(text, words) for token in line.tokens]
    assert tokens == (text.split() or [word.text for word in words])


@given(st.lists(TOKENS, min_size=1), st.data())
def test_words_find_their_own_tokens_where_some_have_no_place(
    tokens: list[str], data: st.DataObject
) -> None:
    numbered = [f"{token}{number}" for number, token in enumerate(tokens)]
    gone = data.draw(st.sets(st.integers(0, len(tokens) - 1), max_size=8))
    kept = [number for number in range(len(tokens)) if number not in gone]

    assert match(numbered, [numbered[number] for number in kept]) == kept


def test_a_word_that_the_text_spells_otherwise_stays_where_it_is() -> None:
    text, words = laid_out("one two", "three four")
    assert shown(text.replace("two", "tvvo"), words) == ["one two", "three four"]
    assert shown(text.replace("two", "t w o"), words) == ["one two", "three four"]


def test_a_page_that_says_nothing_the_words_say_keeps_all_of_them() -> None:
    _, words = laid_out("one two", "three four")
    assert " ".join(shown("x\ny", words)) == "one two three four"
    assert shown("", words) == ["one two", "three four"]


def test_behind_a_hyphenated_word_the_page_goes_on_in_the_next_line() -> None:
    words = [word("Die", 0, 0), word("Zusammenarbeit", 24, 0), word("ist", 36, 12)]
    assert shown("Die Zusammenarbeit ist", words) == ["Die Zusammenarbeit", "ist"]


def test_a_hyphenated_word_may_end_its_column() -> None:
    words = [word("Zusammenarbeit", 0, 700), word("ist", 320, 0)]
    assert shown("Zusammenarbeit ist", words) == ["Zusammenarbeit", "ist"]


def test_exponents_and_upward_text_stay_in_their_line() -> None:
    words = [word("Fläche", 0, 10), word("2", 36, 6, height=5), word("lässt", 44, 10)]
    assert len(lines_of("Fläche 2 lässt", words)) == 1
    boxes: list[Box] = [(0, 100, 10, 160), (0, 30, 10, 90)]
    upwards = [Word(text="upwards", bbox=box, confidence=1) for box in boxes]
    assert len(lines_of("upwards upwards", upwards)) == 1


@given(TEXTS, WORDS)
def test_every_line_is_in_one_paragraph_in_its_order(text: str, words: list[Word]) -> None:
    lines = lines_of(text, words)
    for tight in (False, True):
        grouped = paragraphs(lines, tight=tight)
        assert [line for group in grouped for line in group] == lines
        assert all(grouped)


def test_space_indents_and_empty_lines_begin_paragraphs() -> None:
    text, words = laid_out("One goes on", "here.", "   Two is indented", "as here", "", "Three")
    lines = lines_of(text, words)
    grouped = paragraphs(lines, tight=False)
    assert [group[0].tokens[0] for group in grouped] == ["One", "Two", "Three"]
    apart = lines_of("One\nTwo", [word("One", 0, 0), word("Two", 0, 40)])
    assert len(paragraphs(apart, tight=False)) == 2


def test_double_spaced_text_is_still_one_paragraph() -> None:
    text, words = laid_out("one two", "three four", "five six", pitch=24)
    assert len(paragraphs(lines_of(text, words), tight=False)) == 1


TURNED: dict[int, Callable[[Box, float, float], Box]] = {
    90: lambda box, width, height: (box[1], height - box[2], box[3], height - box[0]),
    180: lambda box, width, height: (
        *(width - box[2], height - box[3]),
        *(width - box[0], height - box[1]),
    ),
    270: lambda box, width, height: (width - box[3], box[0], width - box[1], box[2]),
}
"""How the boxes of an upright page are shown when it lies on its side; sizes are as shown."""


@pytest.mark.parametrize("rotation", TURNED)
def test_a_turned_page_has_the_same_paragraphs(rotation: int) -> None:
    text, words = laid_out("One goes on", "here.", "   Two is indented", "as here", "", "Three")
    turned = [
        word.model_copy(update={"bbox": TURNED[rotation](word.bbox, 600, 800)}) for word in words
    ]
    page = ReadPage.model_validate(
        {
            "number": 1,
            "width": 600,
            "height": 800,
            "source": "ocr",
            "confidence": 1,
            "text": text,
            "rotation": rotation,
            "words": [dict(word) for word in turned],
        }
    )
    laid = upright(page)

    assert [word.bbox for word in laid.words] == [word.bbox for word in words]
    assert upright(page.model_copy(update={"rotation": 0})).words == page.words


@pytest.mark.parametrize("skew", [-5.0, 5.0])
def test_skewed_lines_stay_one_paragraph(skew: float) -> None:
    """At five degrees the end of a line of 40 words stands lower than the next three begin."""
    text, words = laid_out(*["some words " * 20] * 5)
    slope = tan(radians(skew))
    moved = [
        {**dict(it), "bbox": (it.bbox[0], it.bbox[1] + dy, it.bbox[2], it.bbox[3] + dy)}
        for it in words
        for dy in [slope * (it.bbox[0] + it.bbox[2]) / 2]
    ]
    fixed = {"number": 1, "width": 3000, "height": 800, "source": "text_layer", "confidence": 1}
    page = ReadPage.model_validate({**fixed, "text": text, "words": moved, "skew": skew})

    assert len(paragraphs(lines_of(text, page.words), tight=False)) > 1
    assert len(paragraphs(lines_of(text, upright(page).words), tight=False)) == 1
