"""Guesses in which languages a recognised text is written, so that it can be read again in those.

Any model of the right script (see `languages.of_script`) reads well enough for that.
"""

from collections import Counter

from ocr_worker import languages, tessdata
from ocr_worker.understanding.language import detect_language

_LEAST_SHARE = 0.2
"""The part of a page's text that a second language must have to be worth its time."""
_MOST_LANGUAGES = 3


def languages_of(text: str) -> str | None:
    """Return the languages of a text, joined by "+"; None when they are unknown or not installed.

    They are in Tesseract's names, the one with the most text first.
    """
    letters: Counter[str] = Counter()
    for paragraph in text.split("\n\n"):
        if (found := detect_language(paragraph)) is not None:
            letters[languages.tesseract_name(found[0])] += len(paragraph)
    there = tessdata.installed()
    least = _LEAST_SHARE * letters.total()
    names = [name for name, count in letters.most_common() if name in there and count >= least]
    return "+".join(names[:_MOST_LANGUAGES]) or None
