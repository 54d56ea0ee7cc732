"""Tells in which language a text is written."""

import re
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

LANGUAGES = (
    *("ar", "bg", "ca", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "he", "hr", "hu"),
    *("it", "ja", "ko", "lt", "lv", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sv", "tr"),
    *("uk", "zh"),
)
"""Business is done in these; next to them, rare relatives would only be mistaken for them."""

_LEAST_LETTERS = 20
_MOST_CHARACTERS = 20_000
_WORD = re.compile(r"[^\W\d_]{2,40}")


def detect_language(text: str) -> tuple[str, float] | None:
    """Return the ISO 639-1 code of a text and the confidence; None for next to no words."""
    words = " ".join(_WORD.findall(text[:_MOST_CHARACTERS]))
    if len(words) < _LEAST_LETTERS:
        return None
    # Names and headings are set in capitals, which say nothing about the language.
    language, confidence = _identifier().classify(words.lower())
    return str(language), min(max(float(confidence), 0.0), 1.0)


@cache
def _identifier() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES)
    return identifier
