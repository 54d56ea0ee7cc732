"""Which bytes a `Range` field asks for, against a reference that looks at every byte."""

import re

import pytest
from documents.content.errors import RangeNotSatisfiable
from documents.content.ranges import MOST, ByteRange, wanted
from hypothesis import given
from hypothesis import strategies as st

NUMBERS = st.integers(0, 40).map(str)
SPECS = st.one_of(
    st.tuples(NUMBERS, NUMBERS).map("-".join),
    NUMBERS.map("{}-".format),
    NUMBERS.map("-{}".format),
)
SPACE = st.text(" \t", max_size=1)
ELEMENTS = st.tuples(SPACE, st.one_of(SPECS, st.just("")), SPACE).map("".join)
SETS = st.lists(ELEMENTS, min_size=1, max_size=12).map(",".join)
SIZES = st.integers(0, 30)


def reference(ranges: str, size: int) -> list[list[int]] | None:
    """Return the positions that each range means; None when the field does not count."""
    specs = [spec for spec in (part.strip(" \t") for part in ranges.split(",")) if spec]
    if not 1 <= len(specs) <= MOST:
        return None
    meant = []
    for spec in specs:
        first, last = spec.split("-")
        if first and last and int(last) < int(first):
            return None
        low = int(first) if first else max(0, size - int(last))
        high = int(last) if first and last else size - 1
        meant.append([position for position in range(size) if low <= position <= high])
    found = [positions for positions in meant if positions]
    every = [position for positions in found for position in positions]
    return None if len(every) > len(set(every)) else found


@given(SETS, SIZES)
def test_every_well_formed_field_means_what_the_reference_says(ranges: str, size: int) -> None:
    expected = reference(ranges, size)
    if expected == []:
        with pytest.raises(RangeNotSatisfiable):
            wanted(f"bytes={ranges}", size)
        return
    found = wanted(f"bytes={ranges}", size)
    assert [list(range(each.first, each.last + 1)) for each in found] == (expected or [])
    assert sum(each.length for each in found) <= size


@given(st.text(st.sampled_from("bytes=0123-, \tx٣"), max_size=20), SIZES)
def test_what_is_malformed_does_not_count(field: str, size: int) -> None:
    spec = r"[ \t]*([0-9]+-[0-9]*|-[0-9]+)?[ \t]*"
    if not re.fullmatch(f"bytes={spec}(,{spec})*", field):
        assert wanted(field, size) == []


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("bytes=0-0", [ByteRange(0, 0)]),
        ("BYTES=0-0", [ByteRange(0, 0)]),
        ("bytes=95-", [ByteRange(95, 99)]),
        ("bytes=-5", [ByteRange(95, 99)]),
        ("bytes=-500", [ByteRange(0, 99)]),
        ("bytes=0-99999999999999999999999", [ByteRange(0, 99)]),
        ("bytes=9-9,1-1", [ByteRange(9, 9), ByteRange(1, 1)]),
        ("bytes=0-0,100-", [ByteRange(0, 0)]),
        ("bytes=0-5,5-9", []),
        ("bytes=0-,0-", []),
        ("bytes=" + ",".join(f"{n}-{n}" for n in range(10)), [ByteRange(n, n) for n in range(10)]),
        ("bytes=" + ",".join(f"{n}-{n}" for n in range(11)), []),
        ("bytes=5-4", []),
        ("bytes=5-4,0-0", []),
        ("bytes=", []),
        ("bytes=,", []),
        ("bytes 0-1", []),
        ("bytes =0-1", []),
        ("lines=0-1", []),
        ("bytes=0 - 1", []),
        ("bytes=-", []),
        ("bytes=--1", []),
        ("bytes=100-,x", []),
        ("bytes=+1-2", []),
        ("bytes=" + "9" * 10_000 + "-", []),
    ],
    ids=lambda value: str(value)[:30],
)
def test_examples(field: str, expected: list[ByteRange]) -> None:
    assert wanted(field, 100) == expected


@pytest.mark.parametrize("field", ["bytes=100-", "bytes=-0", "bytes=100-200,-0"])
def test_what_lies_behind_the_end_cannot_be_had(field: str) -> None:
    with pytest.raises(RangeNotSatisfiable):
        wanted(field, 100)
