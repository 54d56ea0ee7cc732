"""Finds the number of an invoice or receipt and its dates."""

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import islice

from ocr_worker.understanding.dates import Convention, FoundDate, find_dates
from ocr_worker.understanding.evidence import Evidence, Near, Place, found
from ocr_worker.understanding.findings import FoundField
from ocr_worker.understanding.labels import Meaning
from ocr_worker.understanding.layout import Span

_NUMBER = re.compile(r"(?:[A-Z]{1,4} )?[A-Za-z0-9][\w./#-]{0,29}")
_TERM = re.compile(r"(?i)(?<!\d)(\d{1,3}) (?:days?|tagen?|tage)(?!\w)")
_TERM_WORDS = re.compile(
    r"(?i)payment|payable|terms|due|net \d|zahlbar|zahlung|netto|fällig|zahlungsziel|überweis"
)
_INTRODUCTION = re.compile(r"^[^\w]*(?:(?:no|nr|nummer|number)\b[.:]*)?[^\w]*", re.IGNORECASE)
_ELSEWHERE: dict[float, Sequence[Meaning]] = {
    0.5: (Meaning.DUE_DATE, Meaning.DELIVERY_DATE, Meaning.SOMETHING_ELSE),
    0.35: (Meaning.DUE_DATE, Meaning.DELIVERY_DATE),
}
"""How likely an unlabelled date is that of the document, when it has none of these labels."""


def find_number(evidence: Evidence, convention: Convention) -> FoundField | None:
    """Return the number of the document."""
    best: FoundField | None = None
    for place in evidence.labelled(Meaning.NUMBER):
        for near in evidence.near(place):
            weight = place.label.weight * near.likelihood
            number = _number(near.span, convention)
            if number is None:
                continue
            value, span = number
            candidate = found(value, span, weight)
            if best is None or candidate.confidence > best.confidence:
                best = candidate
            break
    return best


def _number(span: Span, convention: Convention) -> tuple[str, Span] | None:
    start = _INTRODUCTION.match(span.text)
    offset = start.end() if start else 0
    match = _NUMBER.match(span.text, offset)
    if match is None or not any(character.isdigit() for character in match[0]):
        return None
    if any(each.start <= match.start() < each.start + 4 for each in find_dates(span, convention)):
        return None
    if re.fullmatch(r"\d{1,9}[.,]\d\d|\d{1,2}%", match[0]):
        return None
    return match[0].rstrip("#./-"), span.part(*match.span())


def find_issue_date(evidence: Evidence, convention: Convention) -> FoundField | None:
    """Return the date of the document: one that is labelled so, else the first that is not else."""
    labelled = _labelled(evidence, Meaning.ISSUE_DATE, convention)
    if labelled is not None:
        return labelled
    for certainty, meanings in _ELSEWHERE.items():
        taken = set(_announced(evidence, convention, meanings))
        for row in evidence.rows:
            for each in find_dates(row.whole, convention):
                if each.span not in taken:
                    return found(each.value.isoformat(), each.span, certainty * each.certainty)
    return None


def _announced(
    evidence: Evidence, convention: Convention, meanings: Sequence[Meaning]
) -> Iterator[Span]:
    """Return the dates that labels with these meanings announce."""
    for place in evidence.labelled(*meanings):
        for _, dates in islice(_dates_near(evidence, place, convention), 1):
            yield from (each.span for each in dates)


def find_due_date(
    evidence: Evidence, convention: Convention, issued: FoundField | None
) -> FoundField | None:
    """Return until when to pay: a date, or the date of issue and a number of days."""
    labelled = _labelled(evidence, Meaning.DUE_DATE, convention)
    if labelled is not None or issued is None:
        return labelled
    for row in evidence.rows:
        line = row.whole
        if not _TERM_WORDS.search(line.text):
            continue
        terms = list(_TERM.finditer(line.text))
        if terms:
            term = max(terms, key=lambda match: int(match[1]))
            due = date.fromisoformat(issued.value) + timedelta(days=int(term[1]))
            return found(due.isoformat(), line.part(*term.span()), 0.7 * issued.confidence)
    return None


def find_delivery_date(evidence: Evidence, convention: Convention) -> FoundField | None:
    """Return when it was delivered; of a period, the last day."""
    return _labelled(evidence, Meaning.DELIVERY_DATE, convention, last=True)


def _labelled(
    evidence: Evidence, meaning: Meaning, convention: Convention, *, last: bool = False
) -> FoundField | None:
    best: FoundField | None = None
    for place in evidence.labelled(meaning):
        for near, dates in _dates_near(evidence, place, convention):
            chosen = dates[-1] if last else dates[0]
            confidence = place.label.weight * near.likelihood * chosen.certainty
            candidate = found(chosen.value.isoformat(), chosen.span, confidence)
            if best is None or candidate.confidence > best.confidence:
                best = candidate
            break
    return best


def _dates_near(
    evidence: Evidence, place: Place, convention: Convention
) -> Iterator[tuple[Near, list[FoundDate]]]:
    for near in evidence.near(place):
        dates = find_dates(near.span, convention)
        # Between a label and its date stand a few words at most.
        if dates and (near.below or dates[0].start <= 25):
            yield near, dates
