"""Pages as runs: none is lost, none comes twice, and tasks have the right size."""

from documents.jobs import runs
from hypothesis import given
from hypothesis import strategies as st

numbers = st.sets(st.integers(1, 200)).map(sorted)


@given(numbers, st.integers(1, 70))
def test_taking_until_nothing_is_left_takes_every_page_once(pages: list[int], most: int) -> None:
    left = runs.of(pages)
    taken: list[int] = []
    while left:
        (first, last), left = runs.take(left, most)
        assert 1 <= last - first + 1 <= most
        taken += range(first, last + 1)
    assert taken == pages


@given(numbers)
def test_runs_are_counted_by_their_pages(pages: list[int]) -> None:
    assert runs.count(runs.of(pages)) == len(pages)


def test_a_task_is_a_few_seconds_long_and_everybody_gets_a_share() -> None:
    assert runs.task_pages(1000, page_ms=None, workers=1) == 2
    assert runs.task_pages(1000, page_ms=2000, workers=1) == 4
    assert runs.task_pages(1000, page_ms=20_000, workers=1) == 1
    assert runs.task_pages(1000, page_ms=3, workers=1) == 64
    assert runs.task_pages(8, page_ms=1000, workers=2) == 1
    assert runs.task_pages(1, page_ms=3, workers=1) == 1
