"""Finding a text on a page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocr_worker.searching import matches_in, pattern_for


@given(text=st.text(alphabet="aAbB .*\n", max_size=60), term=st.text(alphabet="aAbB.*", min_size=1))
def test_every_match_is_where_it_is_said_to_be(text: str, term: str) -> None:
    found = list(matches_in(text, pattern_for(term)))

    assert len(found) == text.lower().count(term.lower())
    for match in found:
        assert text[match.position :].startswith(match.match)
        assert match.match.lower() == term.lower()


@pytest.mark.parametrize(
    ("text", "term", "expected"),
    [
        ("Aa aA", "aa", ["Aa", "aA"]),
        ("one\ntwo", "one two", ["one\ntwo"]),
        ("a.c abc", "a.c", ["a.c"]),
        ("ÄRGER ärger", "Ärger", ["ÄRGER", "ärger"]),
        ("aaa", "aa", ["aa"]),
        ("x" * 300 + "y", "Y", ["y"]),
    ],
)
def test_matches(text: str, term: str, expected: list[str]) -> None:
    found = list(matches_in(text, pattern_for(term)))

    assert [match.match for match in found] == expected
    for match in found:
        at = match.position
        assert text[at : at + len(match.match)] == match.match
        assert match.before == text[max(at - 100, 0) : at]
