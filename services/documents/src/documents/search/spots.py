"""Where the words of a query stand: in a text, for a snippet, and on a page, for boxes."""

import html
from collections import defaultdict
from collections.abc import Mapping, Sequence

from documents.search.query import WORD, Wanted, clean

Box = tuple[float, float, float, float]
Span = tuple[int, int]
Lexemes = Mapping[str, frozenset[str]]
"""What PostgreSQL makes of a word in the language of the text, for the words that matter."""

Fitting = frozenset[str]

_SNIPPET_CHARS = 240
_LEAD_CHARS = 60
_MOST_BOXES = 200
_MOST_SPOTS = 50


def words_of(text: str) -> list[str]:
    """Return the words of a text, in small letters."""
    return [word.lower() for word in WORD.findall(text)]


class Finder:
    """Knows what has been sought in the texts of one language."""

    def __init__(self, sought: Sequence[Wanted], lexemes: Lexemes) -> None:
        """Find out which words fit, once for all texts; the lexemes of the query are among them."""
        self._rows = [
            [_fitting(term.word.lower(), lexemes, prefix=wanted.prefix) for term in wanted.terms]
            for wanted in sought
        ]

    def find(self, words: Sequence[str]) -> list[int]:
        """Return which words of a text have been sought, those between a phrase's included."""
        places: defaultdict[str, list[int]] = defaultdict(list)
        for number, word in enumerate(words):
            places[word].append(number)
        found: set[int] = set()
        for row in self._rows:
            first = next((place for place, fitting in enumerate(row) if fitting), None)
            if first is None:
                continue
            for word in places.keys() & row[first]:
                for number in places[word]:
                    start, end = number - first, number - first + len(row)
                    if start >= 0 and end <= len(words) and _follow(words[start:end], row):
                        found.update(range(start, end))
        return sorted(found)

    def boxes(self, words: Sequence[tuple[str, Box]]) -> list[Box]:
        """Return where on a page the words are, in their order, each once."""
        row = [
            (word, number)
            for number, (text, _) in enumerate(words)
            for word in words_of(clean(text))
        ]
        found = self.find([word for word, _ in row])
        numbers = dict.fromkeys(row[place][1] for place in found)
        return [words[number][1] for number in numbers][:_MOST_BOXES]


def snippet(text: str, found: Sequence[int]) -> str:
    """Return the part of a text that shows most, as HTML with the words found in `<mark>`."""
    spots = _spots(text, found)
    best = _best(text, spots)
    start = _open(text, best - _LEAD_CHARS)
    end = _close(text, start + _SNIPPET_CHARS)
    parts = ["… " if start > 0 else ""]
    place = start
    for first, last in spots:
        if start <= first and last <= end:
            marked = f"<mark>{html.escape(text[first:last])}</mark>"
            parts += [html.escape(text[place:first]), marked]
            place = last
    parts += [html.escape(text[place:end]), " …" if end < len(text) else ""]
    return " ".join("".join(parts).split())


def _fitting(term: str, lexemes: Lexemes, *, prefix: bool) -> Fitting:
    """Return the words that a term stands for; a stop word, for any: it has no lexemes."""
    wanted = lexemes.get(term)
    if wanted is None:
        return frozenset()
    beginnings = tuple(wanted) if prefix else ()
    return frozenset(
        word
        for word, there in lexemes.items()
        if not wanted.isdisjoint(there) or any(it.startswith(beginnings) for it in there)
    )


def _follow(words: Sequence[str], row: Sequence[Fitting]) -> bool:
    return all(not fitting or word in fitting for word, fitting in zip(words, row, strict=True))


def _spots(text: str, found: Sequence[int]) -> list[Span]:
    if not found:
        return []
    spans = [word.span() for word in WORD.finditer(text)]
    return [spans[number] for number in found]


def _best(text: str, spots: Sequence[Span]) -> int:
    """Return the place from which on most different words are near, and most words at all."""

    def worth(spot: Span) -> tuple[int, int, int]:
        room = spot[0] + _SNIPPET_CHARS - _LEAD_CHARS
        near = [text[a:b].lower() for a, b in spots if spot[0] <= a and b <= room]
        return len(set(near)), len(near), -spot[0]

    return max(spots[:_MOST_SPOTS], key=worth, default=(0, 0))[0]


def _open(text: str, place: int) -> int:
    """Return where the word that a snippet may begin with begins."""
    if place <= 0:
        return 0
    space = text.find(" ", place, place + _LEAD_CHARS // 2)
    return space + 1 if space >= 0 else place


def _close(text: str, place: int) -> int:
    if place >= len(text):
        return len(text)
    space = text.rfind(" ", place - _LEAD_CHARS // 2, place)
    return space if space >= 0 else place
