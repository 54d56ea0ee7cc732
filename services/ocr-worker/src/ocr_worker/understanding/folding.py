"""Makes spellings of a label alike: case, accents, punctuation, and what OCR takes for another."""

import re
import unicodedata
from functools import lru_cache

_CONFUSED = str.maketrans("0158|!", "oisbii")
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_ALIKE = (("rn", "m"), ("vv", "w"), ("ae", "a"), ("oe", "o"), ("ue", "u"), ("l", "i"), ("q", "g"))


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """Return what is left of a word when everything that OCR may confuse is the same.

    `lnvoice`, `INVOICE:` and `1nvoice` fold alike, and so do `fällig`, `Faellig` and `falIig`.
    """
    plain = unicodedata.normalize("NFKD", text.casefold()).translate(_CONFUSED)
    folded = _NOT_WORD.sub("", plain)
    for spelling, other in _ALIKE:
        folded = folded.replace(spelling, other)
    return folded
