"""Finds the supplier's IBAN, BIC and VAT id."""

from collections.abc import Callable, Iterable, Iterator

from ocr_worker.understanding.evidence import Evidence, found
from ocr_worker.understanding.findings import FoundField
from ocr_worker.understanding.identifiers import Identifier, find_bics, find_ibans, find_vat_ids
from ocr_worker.understanding.labels import Meaning
from ocr_worker.understanding.layout import Span

_Find = Callable[[Span], Iterator[Identifier]]


def find_iban(evidence: Evidence) -> FoundField | None:
    """Return the IBAN; one without a label must be valid."""
    return _likeliest([*_near(evidence, find_ibans, Meaning.IBAN), *_valid(evidence, find_ibans)])


def find_bic(evidence: Evidence, iban: FoundField | None) -> FoundField | None:
    """Return the BIC: it has a label, or stands beside the IBAN and is of the same country."""
    candidates = list(_near(evidence, find_bics, Meaning.BIC))
    if iban is not None:
        candidates += [
            (0.8, each)
            for row in evidence.rows
            if row.page == iban.page and iban.text in row.whole.text
            for each in find_bics(row.whole)
            if each.valid and each.value[4:6] == iban.value[:2]
        ]
    return _likeliest((weight, each) for weight, each in candidates if each.valid)


def find_vat_id(evidence: Evidence, iban: FoundField | None) -> FoundField | None:
    """Return the supplier's VAT id, not the customer's; one without a label must be valid."""
    theirs = {
        identifier.value for _, identifier in _near(evidence, find_vat_ids, Meaning.THEIR_VAT_ID)
    }
    candidates = [
        *_near(evidence, find_vat_ids, Meaning.VAT_ID, Meaning.VAT),
        *_valid(evidence, find_vat_ids),
    ]
    return _likeliest(
        (weight, each)
        for weight, each in candidates
        if each.value not in theirs and not (iban and iban.value.startswith(each.value[:10]))
    )


def _near(
    evidence: Evidence, find: _Find, *meanings: Meaning
) -> Iterator[tuple[float, Identifier]]:
    for place in evidence.labelled(*meanings):
        for near in evidence.near(place):
            identifier = next(find(near.span), None)
            if identifier is not None:
                yield place.label.weight * near.likelihood, identifier
                break


def _valid(evidence: Evidence, find: _Find) -> Iterator[tuple[float, Identifier]]:
    for row in evidence.rows:
        for each in find(row.whole):
            if each.valid:
                yield 0.8, each


def _likeliest(candidates: Iterable[tuple[float, Identifier]]) -> FoundField | None:
    best = max(candidates, key=lambda each: each[0] * each[1].certainty, default=None)
    if best is None:
        return None
    weight, identifier = best
    return found(identifier.value, identifier.span, weight * identifier.certainty)
