"""Puts what was recognised in a picture into the text that is stored around it."""

from collections.abc import Iterable

from ocr_worker.reading import Bbox, Reading, ReadWord

_LEAST_CONFIDENCE = 0.6
_LEAST_WORDS = 3
_LEAST_LETTERS = 3
"""Fewer than three words of three letters are what engines see in trees and faces."""


def merged(layer: Reading, picture: Reading, region: Bbox) -> Reading:
    """Return the stored text with that of a picture where the picture stands.

    `region` is where it stands, in the page units of both. What is in both is taken from the
    layer; what an engine has read into a photograph is left out.
    """
    words = [word for word in picture.words if not _doubles(word, layer.words)]
    readable = [word for word in words if sum(map(str.isalpha, word.text)) >= _LEAST_LETTERS]
    sure = Reading("", words).confidence
    if len(readable) < _LEAST_WORDS or sure < _LEAST_CONFIDENCE:
        return layer
    text = picture.text if len(words) == len(picture.words) else _lines(picture, words)
    index = _first_below(layer.words, region)
    before, after = _split(layer.text, index)
    parts = (part for part in (before, text, after) if part)
    return Reading("\n\n".join(parts), [*layer.words[:index], *words, *layer.words[index:]])


def _doubles(word: ReadWord, others: Iterable[ReadWord]) -> bool:
    x, y = (word.bbox[0] + word.bbox[2]) / 2, (word.bbox[1] + word.bbox[3]) / 2
    return any(
        other.bbox[0] <= x <= other.bbox[2] and other.bbox[1] <= y <= other.bbox[3]
        for other in others
    )


def _lines(picture: Reading, kept: list[ReadWord]) -> str:
    """Return the lines of a text with only the words that were kept."""
    left = iter(picture.words)
    keep = set(map(id, kept))
    lines = []
    for line in picture.text.split("\n"):
        words = [word for word in (next(left, None) for _ in line.split()) if word is not None]
        lines.append(" ".join(word.text for word in words if id(word) in keep))
    return "\n".join(lines).strip()


def _first_below(words: list[ReadWord], region: Bbox) -> int:
    """Return which word is the first that stands below the region; the number of words if none."""
    left, _, right, bottom = region
    for index, word in enumerate(words):
        x0, y0, x1, y1 = word.bbox
        if (y0 + y1) / 2 >= bottom and x1 > left and x0 < right:
            return index
    return len(words)


def _split(text: str, words: int) -> tuple[str, str]:
    """Split a text before the line that has the word of that index."""
    lines = text.split("\n")
    seen = 0
    for number, line in enumerate(lines):
        seen += len(line.split())
        if seen > words:
            return "\n".join(lines[:number]).strip(), "\n".join(lines[number:]).strip()
    return text, ""
