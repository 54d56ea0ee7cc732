"""Finds the VAT at each rate: rows that name a rate, and amounts of which one is the VAT."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations

from ocr_worker.understanding.evidence import Evidence, found
from ocr_worker.understanding.findings import VatLine
from ocr_worker.understanding.labels import Meaning
from ocr_worker.understanding.layout import Span
from ocr_worker.understanding.money import Amount, as_decimal_string, find_amounts, find_rates

TOLERANCE = Decimal("0.02")
"""So much may be lost by rounding every line of an invoice."""

_PER_CENT = Decimal(100)
_HIGHEST_RATE = Decimal(27)  # in Hungary
_MOST_IN_ROW = 12
_LEAST_WEIGHT = 0.6


@dataclass(frozen=True)
class Candidate:
    """An amount that may be net, VAT or total, and how much speaks for it."""

    amount: Amount
    weight: float
    row: int
    rate: Decimal | None = None
    """The one that its label names."""

    @property
    def value(self) -> Decimal:
        """The amount itself."""
        return self.amount.value


@dataclass(frozen=True)
class TaxLine:
    """The VAT at a rate; `net` is known where it proved the VAT."""

    rate: Decimal
    vat: Amount
    net: Decimal | None
    row: int


def find_tax_lines(evidence: Evidence, labelled: Sequence[Candidate]) -> list[TaxLine]:
    """Return rows that name a rate and the VAT at it, proved by the net where it is there."""
    by_row = {
        candidate.row: candidate for candidate in labelled if candidate.weight >= _LEAST_WEIGHT
    }
    lines = [
        TaxLine(candidate.rate, candidate.amount, None, candidate.row)
        for candidate in labelled
        if candidate.rate is not None
    ]
    others = {place.row for place in evidence.labelled(Meaning.SOMETHING_ELSE)}
    for number, row in enumerate(evidence.rows):
        rates = find_rates(row.whole.text)
        if len(rates) != 1 or rates[0] > _HIGHEST_RATE or number in others:
            continue  # a discount has a rate, too
        amounts = list(find_amounts(row.whole))[:_MOST_IN_ROW]
        proved = _proved(rates[0], amounts)
        if proved is not None:
            lines.append(TaxLine(rates[0], proved[1], proved[0].value, number))
        elif number in by_row:
            lines.append(TaxLine(rates[0], by_row[number].amount, None, number))
    return _once_per_rate(lines, by_row)


def _proved(rate: Decimal, amounts: Sequence[Amount]) -> tuple[Amount, Amount] | None:
    """Return two amounts of a row of which one is the VAT on the other."""
    for one, other in combinations(amounts, 2):
        vat, net = sorted((one, other), key=lambda amount: abs(amount.value))
        if vat.value and abs(net.value * rate / _PER_CENT - vat.value) <= TOLERANCE:
            return net, vat
    for one, other in combinations(amounts, 2):
        vat, gross = sorted((one, other), key=lambda amount: abs(amount.value))
        net_value = gross.value - vat.value
        if vat.value and abs(net_value * rate / _PER_CENT - vat.value) <= TOLERANCE:
            return replace(gross, value=net_value), vat
    return None


def _once_per_rate(lines: list[TaxLine], labelled: dict[int, Candidate]) -> list[TaxLine]:
    """Keep one line for each rate: one that has a label, or is proved; of several, the last.

    The items of an invoice may show their VAT, too; the summary stands below them.
    """

    def strength(line: TaxLine) -> tuple[bool, bool, int]:
        label = labelled.get(line.row)
        has_label = label is not None and label.value == line.vat.value
        return has_label, line.net is not None, line.row

    kept = {line.rate: line for line in sorted(lines, key=strength)}
    return sorted(kept.values(), key=lambda line: line.row)


def not_disproved(
    labelled: Sequence[Candidate], lines: Sequence[TaxLine], *, is_vat: bool
) -> Iterator[Candidate]:
    """Drop what is labelled as VAT in a row where another amount was proved to be the VAT.

    With `is_vat` false, drop what is labelled as net and was proved to be the VAT, or to be the
    net at one of several rates.
    """
    proved = {line.row: line for line in lines if line.net is not None}
    for each in labelled:
        line = proved.get(each.row)
        if line is not None and (each.value == line.vat.value) is not is_vat:
            continue
        if line is not None and not is_vat and len(lines) > 1 and each.value == line.net:
            continue
        yield each


def vat_of(lines: Sequence[TaxLine]) -> Iterator[Candidate]:
    """Return what may be the VAT of the document: that at one rate, and at all together."""
    for line in lines:
        if line.net is not None:
            yield Candidate(line.vat, 0.7 * line.vat.certainty, line.row)
    if len(lines) > 1:
        yield Candidate(_together([line.vat for line in lines]), 0.9, lines[0].row)


def _together(amounts: Sequence[Amount]) -> Amount:
    page = amounts[0].span.page
    pieces = [piece for each in amounts if each.span.page == page for piece in each.span.pieces]
    value = sum((each.value for each in amounts), Decimal(0))
    return replace(amounts[0], value=value, span=Span(page, tuple(pieces)))


def shown(line: TaxLine) -> VatLine:
    """Return a line as it is told."""
    amount = found(as_decimal_string(line.vat.value), line.vat.span, 0.9 if line.net else 0.7)
    return VatLine(
        rate=f"{line.rate.normalize():f}",
        amount=amount.value,
        net=None if line.net is None else as_decimal_string(line.net),
        **amount.model_dump(exclude={"value"}),
    )


def that_make(vat: Candidate | None, lines: Sequence[TaxLine]) -> Sequence[TaxLine]:
    """Return the lines if they make up the VAT, or the one that is all of it."""
    if vat is None:
        return []
    if abs(sum((line.vat.value for line in lines), Decimal(0)) - vat.value) <= TOLERANCE:
        return lines
    return [line for line in lines if line.vat.value == vat.value][:1]
