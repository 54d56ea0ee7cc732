"""What a mistyped word may have meant."""

from collections.abc import Iterable


def nearest(word: str, known: Iterable[tuple[str, str]]) -> str | None:
    """Return the known word that is fewest slips away, or None if none is near enough.

    `known` are words as they are written and without accents, the likeliest first; `word` is
    without accents.
    """
    most = 1 if len(word) < 6 else 2
    slips = [(_slips(word, folded), written) for written, folded in known]
    fewest, written = min(slips, key=lambda one: one[0], default=(most + 1, ""))
    return written if fewest <= most else None


def _slips(one: str, other: str) -> int:
    """Count letters left out, put in, mistaken or swapped (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        previous, before, row = before, row, [i]
        for j, b in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, previous[j - 2] + 1)
            row.append(cost)
    return row[-1]
