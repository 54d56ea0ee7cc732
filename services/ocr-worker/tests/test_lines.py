"""Lines become a text in the order in which people read, with the words that were cut in two."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from ocr_worker.columns import unbraid
from ocr_worker.lines import Line, reading_of
from ocr_worker.merging import merged
from ocr_worker.reading import Reading, ReadWord

WIDTH, HEIGHT = 8, 12  # of a letter, in pixels


def line(text: str, *, x: float = 0, y: float = 0, paragraph: int = 0) -> Line:
    """Set a line in letters of one width."""
    words = []
    for word in text.split(" "):
        if word:
            words.append(ReadWord(word, (x, y, x + WIDTH * len(word), y + HEIGHT), 0.9))
        x += WIDTH * (len(word) + 1)
    return Line(words, (paragraph,))


def text_of(lines: list[Line]) -> str:
    return reading_of(lines).text


def test_lines_and_paragraphs_are_kept() -> None:
    assert text_of([line("one two"), line("three"), line("four", paragraph=1)]) == (
        "one two\nthree\n\nfour"
    )


def test_a_word_that_was_cut_is_whole_where_it_began() -> None:
    reading = reading_of([line("a remark- "), line("able thing", y=20)])
    assert reading.text == "a remarkable\nthing"
    assert [word.text for word in reading.words] == ["a", "remarkable", "thing"]
    assert reading.words[1].bbox == (16, 0, 72, 12)


def test_a_line_of_nothing_but_the_rest_of_a_word_is_no_line() -> None:
    assert text_of([line("very remark-"), line("able"), line("indeed")]) == (
        "very remarkable\nindeed"
    )


def test_a_hyphen_of_its_own_stays() -> None:
    assert text_of([line("from 1990-"), line("1999 on")]) == "from 1990-\n1999 on"
    assert text_of([line("the North-"), line("South divide")]) == "the North-\nSouth divide"
    assert text_of([line("this -"), line("not that")]) == "this -\nnot that"


LEFT = ["the left column is read", "before anybody looks at", "the other one which is", "beside it"]
RIGHT = ["and the right column has", "its turn when the left", "has come to its very end", "only"]


def test_lines_across_columns_are_taken_apart() -> None:
    braided = [
        Line([*line(left, y=y).words, *line(right, x=240, y=y).words])
        for y, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True))
    ]
    for y, mixed in enumerate(braided):
        mixed.words = [
            word._replace(bbox=(word.bbox[0], y * 20, word.bbox[2], y * 20 + HEIGHT))
            for word in mixed.words
        ]
    lines = [[word.text for word in each.words] for each in unbraid(braided)]
    assert lines == [text.split() for text in (*LEFT, *RIGHT)]


def test_a_table_is_read_row_by_row() -> None:
    rows = [
        Line([*line(f"item{y}", y=y * 20).words, *line(f"{y}.00", x=240, y=y * 20).words])
        for y in range(8)
    ]
    assert [[word.text for word in row.words] for row in unbraid(rows)] == [
        [f"item{y}", f"{y}.00"] for y in range(8)
    ]


boxes = st.tuples(*[st.integers(0, 400)] * 2, *[st.integers(1, 200)] * 2).map(
    lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
)
words = st.builds(
    ReadWord,
    st.text(st.characters(codec="ascii", categories=["L", "P"]), min_size=1),
    boxes,
    st.floats(0, 1),
)


@given(st.lists(st.lists(words, max_size=8), max_size=12))
def test_no_word_is_lost_or_doubled(lines: list[list[ReadWord]]) -> None:
    given_words = Counter(word for line in lines for word in line)
    taken_apart = unbraid([Line(line) for line in lines])
    assert Counter(word for line in taken_apart for word in line.words) == given_words
    reading = reading_of(taken_apart)
    assert reading.text.split() == [word.text for word in reading.words]


STORED = reading_of([line("above the picture"), line("below the picture", y=500)])


def recognised(text: str) -> Reading:
    return reading_of([line(text, y=200)])


def test_the_text_of_a_picture_stands_where_the_picture_does() -> None:
    together = merged(STORED, recognised("words in a large picture"), (0, 100, 400, 400))
    assert together.text == "above the picture\n\nwords in a large picture\n\nbelow the picture"
    assert together.text.split() == [word.text for word in together.words]


def test_what_is_stored_is_not_said_twice() -> None:
    stored = reading_of([line("a caption here", y=200), line("below the picture", y=500)])
    found = reading_of([line("a caption here", y=200), line("and some more words", y=250)])
    together = merged(stored, found, (0, 100, 400, 400))
    assert together.text == "a caption here\n\nand some more words\n\nbelow the picture"


def test_what_an_engine_sees_in_trees_is_left_out() -> None:
    assert merged(STORED, recognised("~ ii |"), (0, 100, 400, 400)) is STORED
    doubtful = recognised("words in a large picture")
    doubtful = Reading(doubtful.text, [word._replace(confidence=0.3) for word in doubtful.words])
    assert merged(STORED, doubtful, (0, 100, 400, 400)) is STORED
