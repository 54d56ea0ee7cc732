"""What somebody is looking for: words, phrases, beginnings of words, and what must not be there."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

# What separates words, in ASCII and beyond. PostgreSQL finds by itself what this leaves in.
_SEPARATORS = (
    r"\s\x00-/:-@\[-`{-\xa9\xab-\xb1\xb4\xb6-\xb9\xbb\xbf\xd7\xf7"
    r"\u060c\u061b\u061f\u066a-\u066d\u06d4\u0964\u0965"
    r"\u2000-\u200a\u2010-\u206f\u3000-\u3003\u3008-\u3020"
)
WORD = re.compile(f"[^{_SEPARATORS}]+")
_PIECE = re.compile(r'(?P<minus>-?)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')
_SHORTEST_PREFIX = 2
"""One letter would begin a tenth of all words there are."""


def clean(text: str) -> str:
    """Return a text with one spelling for each letter, as it is indexed and compared.

    Soft hyphens show nothing and would part a word; PostgreSQL keeps no NUL.
    """
    return unicodedata.normalize("NFC", text.replace("\u00ad", "").replace("\x00", ""))


@dataclass(frozen=True)
class Term:
    """One word of a query, and where it stands there."""

    word: str
    start: int
    end: int


@dataclass(frozen=True)
class Wanted:
    """Words that have to follow each other: a single one, a phrase, or the parts of "E-Mail"."""

    terms: tuple[Term, ...]
    prefix: bool = False
    negated: bool = False

    def tsquery(self) -> str:
        """Return it in the syntax of `to_tsquery`."""
        words = " <-> ".join(f"'{term.word}'" for term in self.terms)
        words += ":*" if self.prefix else ""
        return f"!({words})" if self.negated else f"({words})"


@dataclass(frozen=True)
class Query:
    """Groups of which one has to be found, each with everything in it.

    Users write it as for a search engine: `rechnung "haus am see" OR arbeits* -entwurf`.
    PostgreSQL's own `websearch_to_tsquery` knows no beginnings of words and takes the French "or"
    for an operator.
    """

    text: str
    groups: tuple[tuple[Wanted, ...], ...]

    @classmethod
    def parse(cls, text: str) -> "Query":
        """Understand anything: what makes no sense counts as a space."""
        text = clean(text)
        groups: list[list[Wanted]] = [[]]
        for piece in _PIECE.finditer(text):
            if piece[0] == "OR":
                groups.append([])
            elif wanted := _wanted(text, piece):
                groups[-1].append(wanted)
        return cls(text, tuple(tuple(group) for group in groups if group))

    def tsquery(self) -> str:
        """Return it in the syntax of `to_tsquery`.

        It holds words without any ASCII punctuation, each in quotes, and so nothing that could be
        taken for an operator.
        """
        return " | ".join(
            f"({' & '.join(wanted.tsquery() for wanted in group)})" for group in self.groups
        )

    def sought(self) -> list[Wanted]:
        """Return what a hit may show: everything but what must not be there."""
        return [wanted for group in self.groups for wanted in group if not wanted.negated]

    def misspellable(self) -> list[Term]:
        """Return the words that are meant to be whole words."""
        return [term for wanted in self.sought() if not wanted.prefix for term in wanted.terms]

    def corrected(self, words: Mapping[str, str]) -> "Query":
        """Return the same query with other words in the place of some."""
        text, end = "", 0
        for term in sorted(self.misspellable(), key=lambda term: term.start):
            text += self.text[end : term.start] + words.get(term.word, term.word)
            end = term.end
        return Query.parse(text + self.text[end:])


def _wanted(text: str, piece: "re.Match[str]") -> Wanted | None:
    group = "word" if piece["word"] is not None else "phrase"
    found = WORD.finditer(text, *piece.span(group))
    terms = tuple(Term(word[0], *word.span()) for word in found)
    if not terms:
        return None
    prefix = group == "word" and piece[0].endswith("*")
    return Wanted(
        terms,
        prefix=prefix and len(terms[-1].word) >= _SHORTEST_PREFIX,
        negated=piece["minus"] == "-",
    )
