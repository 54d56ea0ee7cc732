"""The lines of a page with the words that stand in them.

The workers tell a page's text, which has the lines in reading order, and its words, which have the
places, in the same order. They are put together here, since two things come between: a word
without a place (in a text layer) is in the text alone, and a word that is hyphenated across two
lines is one word of the upper line, so that in the text the lower line goes on behind it.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from documents.exports.pages import Box, Word

_REACH = 8
"""How many tokens and words are skipped at most to find the next pair."""
_NEXT_LINE = 0.7
"""By how much of its height a word is lower (or higher) than the one before it in another line."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the page as it is shown: its text, and those words that have a place."""

    tokens: tuple[str, ...]
    words: tuple[Word, ...]
    after_blank: bool
    """Whether there is an empty line before it in the text."""

    @property
    def text(self) -> str:
        """The text, one space between two words."""
        return " ".join(self.tokens)

    @property
    def box(self) -> Box | None:
        """Where the words stand, all together."""
        return around([word.bbox for word in self.words])

    @property
    def leftwards(self) -> bool:
        """Whether it is read from right to left, as its first letter tells."""
        for character in self.text:
            direction = unicodedata.bidirectional(character)
            if direction in ("L", "R", "AL"):
                return direction != "L"
        return False


def around(boxes: Sequence[Box]) -> Box | None:
    """Return the smallest box around others, or None when there are none."""
    if not boxes:
        return None
    x0s, y0s, x1s, y1s = zip(*boxes, strict=True)
    return min(x0s), min(y0s), max(x1s), max(y1s)


def lines_of(text: str, words: Sequence[Word]) -> list[Line]:
    """Return the lines of a page in reading order; each word is in one of them."""
    rows = [row.split() for row in text.split("\n")]
    if not any(rows):
        rows = [[word.text for word in words]]
    tokens = [token for row in rows for token in row]
    owned: list[list[Word]] = [[] for _ in tokens]
    for word, owner in zip(words, match(tokens, [word.text for word in words]), strict=True):
        owned[owner].append(word)
    lines: list[Line] = []
    places, blank = iter(owned), False
    for row in rows:
        parts = _parts([(token, next(places)) for token in row])
        for number, (part, standing) in enumerate(parts):
            lines.append(Line(tuple(part), tuple(standing), blank and number == 0))
        blank = not row and bool(lines)
    return lines


def match(tokens: Sequence[str], words: Sequence[str]) -> list[int]:
    """Return for each word the number of its token; the numbers never decrease.

    A word that is not found among the next tokens takes the place of the next one: the work stays
    in proportion to the page, whatever is on it. There must be tokens if there are words.
    """
    owners: list[int] = []
    last = len(tokens) - 1
    token = 0
    while len(owners) < len(words):
        word = len(owners)
        skipped = _next_pair(tokens, words, token, word)
        if skipped is None:
            owners.append(min(token, last))
            token += 1
        else:
            behind, unknown = skipped
            owners += [min(token + number, token + behind) for number in range(unknown)]
            owners.append(token + behind)
            token += behind + 1
    return owners


def _next_pair(
    tokens: Sequence[str], words: Sequence[str], token: int, word: int
) -> tuple[int, int] | None:
    for distance in range(_REACH + 1):
        for behind in range(distance + 1):
            t, w = token + behind, word + distance - behind
            if t < len(tokens) and w < len(words) and tokens[t] == words[w]:
                return behind, distance - behind
    return None


def _parts(row: Sequence[tuple[str, list[Word]]]) -> Iterator[tuple[list[str], list[Word]]]:
    """Split a line of the text where the page goes on in another line."""
    tokens: list[str] = []
    words: list[Word] = []
    for token, standing in row:
        if words and standing and _breaks(words[-1].bbox, standing[0].bbox):
            yield tokens, words
            tokens, words = [], []
        tokens.append(token)
        words += standing
    if tokens:
        yield tokens, words


def _breaks(before: Box, box: Box) -> bool:
    """Tell whether a word is in another line than the one before it, which is hyphenated then.

    It is lower and not to the right, or it is on top of the next column. A word that is taller
    than wide has no hyphen: it is short, or the text is written upwards or downwards.
    """
    width, height = before[2] - before[0], before[3] - before[1]
    if width <= height:
        return False
    lower = (box[1] + box[3] - before[1] - before[3]) / 2
    far = abs(lower) > _NEXT_LINE * max(height, box[3] - box[1])
    return far and (lower < 0 or box[0] < before[2])
