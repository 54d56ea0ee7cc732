"""Finds the supplier that a document comes from among those its owner knows.

A VAT id or an IBAN belongs to one supplier only, so it decides; a name must be clearly the best.
When two suppliers are as likely, none is chosen: a wrong supplier costs more than none.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from rapidfuzz import fuzz, process

_IDENTIFIER_CONFIDENCE, _EMAIL_CONFIDENCE = 0.99, 0.9
_LIKE, _IN_TEXT = 0.9, 0.6
"""The confidence in a name that is the printed one, and in one that stands somewhere."""

_LEAST_ALIKE, _LEAST_AHEAD = 88.0, 6.0  # of 100, by token_sort_ratio
_MOST_CHARACTERS = 20_000
_SHORTEST_IN_TEXT = 5
_SHORTEST_IDENTIFIER = 8
_NOT_WORD = re.compile(r"[\W_]+")
_PASSED_OVER = re.compile(
    "and|und|the|g?gmbh|mbh|ag|kg|kgaa|ug|ohg|gbr|se|ek|ev|eg|ltd|limited|llc|inc|incorporated|plc"
    "|llp|co|company|corp|corporation|pty|sa|sarl|sas|bv|nv|srl|spa|ab|oy|as|aps|haftungsbeschrankt"
)
"""Conjunctions and legal forms, which say little about who it is."""


@dataclass(frozen=True)
class KnownSupplier:
    """A supplier of the owner; identifiers may also be noted in the description."""

    id: UUID
    name: str
    description: str = ""
    vat_id: str | None = None
    iban: str | None = None
    email: str | None = None


@dataclass(frozen=True)
class Traces:
    """What a document tells about who wrote it: the fields as they were found, and its text."""

    name: str | None = None
    vat_id: str | None = None
    iban: str | None = None
    text: str = ""


class SupplierMatch(NamedTuple):
    """The supplier, and how sure that is (0 to 1)."""

    supplier_id: UUID
    confidence: float


def match_supplier(traces: Traces, suppliers: Sequence[KnownSupplier]) -> SupplierMatch | None:
    """Return the supplier that a document comes from, or None when that is not clear."""
    identified = _identified(traces, suppliers)
    if len(identified) == 1:
        return SupplierMatch(identified[0].id, _IDENTIFIER_CONFIDENCE)
    if identified:  # as a group of companies that share an account: the name must tell
        return _by_name(traces, identified)
    return _by_email(traces, suppliers) or _by_name(traces, suppliers)


def _identified(traces: Traces, suppliers: Iterable[KnownSupplier]) -> list[KnownSupplier]:
    sought = [_compact(each) for each in (traces.vat_id, traces.iban) if each]
    sought = [each for each in sought if len(each) >= _SHORTEST_IDENTIFIER]
    if not sought:
        return []
    found = []
    for supplier in suppliers:
        own = {_compact(each) for each in (supplier.vat_id, supplier.iban) if each}
        noted = _compact(supplier.description)
        if any(each in own or each in noted for each in sought):
            found.append(supplier)
    return found


def _compact(identifier: str) -> str:
    return "".join(filter(str.isalnum, identifier)).upper()


def _by_email(traces: Traces, suppliers: Iterable[KnownSupplier]) -> SupplierMatch | None:
    addresses = set(
        re.findall(r"[\w.+-]{1,64}@[\w.-]{1,255}", traces.text[:_MOST_CHARACTERS].lower())
    )
    found = [each for each in suppliers if each.email and each.email.strip().lower() in addresses]
    return SupplierMatch(found[0].id, _EMAIL_CONFIDENCE) if len(found) == 1 else None


def _by_name(traces: Traces, suppliers: Sequence[KnownSupplier]) -> SupplierMatch | None:
    if traces.name is not None:
        same = [each for each in suppliers if _words(each.name) == _words(traces.name)]
        if len(same) == 1:
            return SupplierMatch(same[0].id, _LIKE)
        alike = _alike(traces.name, suppliers)
        if alike:
            return alike[0] if len(alike) == 1 else None
    return _in_text(traces, suppliers)


def _alike(name: str, suppliers: Sequence[KnownSupplier]) -> list[SupplierMatch]:
    """Return the most similar suppliers: one, or all between which the name does not decide."""
    names = {index: _stem(supplier.name) for index, supplier in enumerate(suppliers)}
    # A short name is soon similar to another, so a slip in it weighs the more by itself.
    ranked = process.extract(
        _stem(name), names, scorer=fuzz.token_sort_ratio, limit=2, score_cutoff=_LEAST_ALIKE
    )
    if not ranked:
        return []
    best = ranked[0][1]
    return [
        SupplierMatch(suppliers[index].id, round(_LIKE * score / 100, 3))
        for _, score, index in ranked
        if score > best - _LEAST_AHEAD
    ]


def _in_text(traces: Traces, suppliers: Iterable[KnownSupplier]) -> SupplierMatch | None:
    printed = f"{traces.name or ''} {traces.text[:_MOST_CHARACTERS]}"
    text = f" {_stem(printed)} "
    found: dict[str, list[UUID]] = {}
    for supplier in suppliers:
        stem = _stem(supplier.name)
        if len(stem) >= _SHORTEST_IN_TEXT and f" {stem} " in text:
            found.setdefault(stem, []).append(supplier.id)
    longest = max(found, key=len, default=None)
    if longest is None or len(found[longest]) > 1:
        return None
    if any(f" {stem} " not in f" {longest} " for stem in found):
        return None
    return SupplierMatch(found[longest][0], _IN_TEXT)


def _stem(name: str) -> str:
    """Return a name without legal form and conjunctions, unless nothing else is left."""
    words = _words(name)
    return " ".join([word for word in words if not _PASSED_OVER.fullmatch(word)] or words)


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(character for character in plain if not unicodedata.combining(character))
    # "e.K." and "S.A." are one word each.
    return _NOT_WORD.sub(" ", re.sub(r"\b(\w)\.\s?(\w)\.", r"\1\2 ", bare)).split()
