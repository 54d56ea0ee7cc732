"""Finds net, VAT and total: by their labels, and by what adds up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product

from ocr_worker.understanding.evidence import Evidence, Place, found
from ocr_worker.understanding.findings import FieldName, FoundField, VatLine
from ocr_worker.understanding.labels import Meaning
from ocr_worker.understanding.layout import Row
from ocr_worker.understanding.money import Amount, as_decimal_string, find_amounts, find_rates
from ocr_worker.understanding.tax_lines import (
    TOLERANCE,
    Candidate,
    find_tax_lines,
    not_disproved,
    shown,
    that_make,
    vat_of,
)

_MEANINGS = {Meaning.NET, Meaning.VAT, Meaning.TOTAL}
_KEPT = 8
_BELIEVED = 0.6
_HIGHEST_SHARE = Decimal("0.3")  # of VAT in a total; the highest rate of all is 27 %, in Hungary


@dataclass(frozen=True)
class _Choice:
    net: Candidate | None
    vat: Candidate | None
    total: Candidate | None
    score: float
    consistent: bool


@dataclass(frozen=True)
class Totals:
    """What an invoice adds up to, and the VAT at each rate."""

    fields: dict[FieldName, FoundField]
    vat_lines: tuple[VatLine, ...]


def find_totals(evidence: Evidence) -> Totals:
    """Return the amounts that have the right labels and, where possible, add up."""
    candidates: dict[Meaning, list[Candidate]] = {meaning: [] for meaning in _MEANINGS}
    for meaning, candidate in _labelled(evidence):
        candidates[meaning].append(candidate)
    lines = find_tax_lines(evidence, candidates[Meaning.VAT])
    for meaning in (Meaning.NET, Meaning.VAT):
        is_vat = meaning is Meaning.VAT
        candidates[meaning] = list(not_disproved(candidates[meaning], lines, is_vat=is_vat))
    candidates[Meaning.VAT] += vat_of(lines)
    choice = _best(candidates, _all_amounts(evidence.rows))
    chosen = {
        FieldName.NET: choice.net,
        FieldName.VAT: choice.vat,
        FieldName.TOTAL: choice.total,
    }
    fields = {
        name: _field(candidate, consistent=choice.consistent)
        for name, candidate in chosen.items()
        if candidate is not None
    }
    return Totals(fields, tuple(shown(line) for line in that_make(choice.vat, lines)))


def _labelled(evidence: Evidence) -> Iterator[tuple[Meaning, Candidate]]:
    for number, row in enumerate(evidence.rows):
        for place, amounts in _by_label(evidence, number, row):
            meaning, weight = place.label.meaning, place.label.weight
            if meaning not in _MEANINGS:
                continue
            if not amounts:
                yield from ((meaning, each) for each in _below(evidence, place))
            for amount in amounts:
                likely = 1.0 if amount is amounts[-1] else 0.5
                yield meaning, Candidate(amount, weight * likely * amount.certainty, number)


def _by_label(evidence: Evidence, number: int, row: Row) -> list[tuple[Place, list[Amount]]]:
    """Share the amounts of a row among its labels: each has those between it and the next.

    In "Total incl. 19 % VAT 119.00" no amount stands between two labels of a cell, so they are
    one, and it means what the first one says.
    """
    shared: list[tuple[Place, list[Amount]]] = []
    for index, cell in enumerate(row.cells):
        amounts = list(find_amounts(cell))
        labels = evidence.labels_of(number, index)
        starts = [
            len(" ".join(piece.text for piece in cell.pieces[: label.start])) for label in labels
        ]
        behind = -1
        for label, start in zip(labels, starts, strict=True):
            if shared:
                shared[-1][1].extend(each for each in amounts if behind < each.start < start)
            behind = start
            if shared and shared[-1][0].cell == index and not shared[-1][1]:
                head = shared[-1][0].label
                if head.meaning in _MEANINGS or head.end == label.start:
                    continue
            shared.append((Place(number, index, label), []))
        if shared:
            shared[-1][1].extend(each for each in amounts if each.start > behind)
    return shared


def _below(evidence: Evidence, place: Place) -> Iterator[Candidate]:
    for near in evidence.near(place):
        amounts = list(find_amounts(near.span)) if near.below else []
        if amounts:
            weight = 0.6 * place.label.weight * near.likelihood * amounts[0].certainty
            rate = next(iter(find_rates(evidence.cell(place).text)), None)
            yield Candidate(amounts[0], weight, place.row + 1, rate)
            return


def _all_amounts(rows: Sequence[Row]) -> dict[Decimal, Candidate]:
    return {
        amount.value: Candidate(amount, 0.2 * amount.certainty, number)
        for number, row in enumerate(rows)
        for amount in find_amounts(row.whole)
    }


def _best(
    candidates: dict[Meaning, list[Candidate]], anywhere: dict[Decimal, Candidate]
) -> _Choice:
    nets, vats, totals = (
        _heaviest(candidates[meaning]) for meaning in (Meaning.NET, Meaning.VAT, Meaning.TOTAL)
    )
    choices = [_judged(*each) for each in product([*nets, None], [*vats, None], [*totals, None])]
    # One of the three may stand there without its label; it is not one of the other two.
    for vat, total in product(vats, totals):
        if vat.value:
            choices.append(_judged(anywhere.get(total.value - vat.value), vat, total))
    for net, total in product(nets, totals):
        if net.value != total.value:
            choices.append(_judged(net, anywhere.get(total.value - net.value), total))
    for net, vat in product(nets, vats):
        if vat.value and not any(total.weight >= _BELIEVED for total in totals):
            choices.append(_judged(net, vat, anywhere.get(net.value + vat.value)))
    return max(choices, key=_preference)


def _heaviest(candidates: Sequence[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda each: (each.weight, each.row), reverse=True)[:_KEPT]


def _judged(net: Candidate | None, vat: Candidate | None, total: Candidate | None) -> _Choice:
    score = sum(each.weight for each in (net, vat, total) if each is not None)
    consistent = False
    if net and vat and total:
        consistent = abs(net.value + vat.value - total.value) <= TOLERANCE
        score += 2.0 if consistent and vat is not total and net.value else -0.5
    if vat and total and abs(vat.value) > abs(total.value) * _HIGHEST_SHARE:
        score -= 2.0
    if net and total and abs(net.value) > abs(total.value) + TOLERANCE:
        score -= 1.0
    return _Choice(net, vat, total, score, consistent)


def _preference(choice: _Choice) -> tuple[float, int, Decimal]:
    total = choice.total
    return round(choice.score, 3), total.row if total else -1, total.value if total else Decimal(0)


def _field(candidate: Candidate, *, consistent: bool) -> FoundField:
    confidence = min(candidate.weight, 1.0)
    if consistent:
        confidence = 1 - 0.4 * (1 - confidence)
    value = as_decimal_string(candidate.value)
    return found(value, candidate.amount.span, 0.95 * confidence)
