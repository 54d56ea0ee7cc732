"""What can be sent as an `Idempotency-Key`."""

import json
import string

import pytest
from common.idempotency import InvalidIdempotencyKey, _digest, parse_key
from hypothesis import assume, given
from hypothesis import strategies as st

VISIBLE = "".join(sorted(set(string.printable) - set(string.whitespace)))
keys = st.text(VISIBLE, min_size=1, max_size=255)


@given(keys)
def test_a_key_is_the_same_in_quotes_and_bare(key: str) -> None:
    quoted = json.dumps(key)
    assert parse_key(quoted) == key
    if not key.startswith('"'):
        assert parse_key(key) == key


@given(st.text(max_size=300))
def test_what_is_no_key_is_refused(sent: str) -> None:
    assume(not sent or len(sent) > 257 or not set(sent).issubset(VISIBLE))
    with pytest.raises(InvalidIdempotencyKey):
        parse_key(sent)


@pytest.mark.parametrize(
    "sent", ['"', '""', '"a', '"a"b', '"a";q=1', '"a\\b"', '"a\\"', '"a", "b"', "a, b", "x" * 256]
)
def test_what_is_no_string_of_a_structured_field_is_refused(sent: str) -> None:
    with pytest.raises(InvalidIdempotencyKey):
        parse_key(sent)


parts = st.lists(st.binary(max_size=3), max_size=4)


@given(parts, parts)
def test_only_the_same_parts_have_the_same_digest(one: list[bytes], other: list[bytes]) -> None:
    assert (_digest(*one) == _digest(*other)) == (one == other)
