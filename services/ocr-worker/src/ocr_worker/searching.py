"""Finds a text on a page: letter by letter, whatever its case and however its words are spaced."""

import re
from collections.abc import Iterator

from contracts import PdfMatch

_AROUND = 100


def pattern_for(term: str) -> re.Pattern[str]:
    """Return what finds a text; where it has white space, a line may end on the page."""
    return re.compile(r"\s+".join(map(re.escape, term.split())), re.IGNORECASE)


def matches_in(text: str, pattern: re.Pattern[str]) -> Iterator[PdfMatch]:
    """Yield each place where the text was found, with what stands around it."""
    for found in pattern.finditer(text):
        start, end = found.span()
        yield PdfMatch(
            position=start,
            before=text[max(start - _AROUND, 0) : start],
            match=found[0],
            after=text[end : end + _AROUND],
        )
