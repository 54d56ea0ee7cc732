"""Finds amounts of money, rates and currencies in a line of text.

An amount is printed with two decimals, or beside a currency; the last separator with two digits
behind it is the decimal one, whatever the country. So no locale needs to be known.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from ocr_worker.understanding.layout import Span

_MARKS = {
    "€": "EUR",
    "EURO": "EUR",
    "£": "GBP",
    "US$": "USD",
    "C$": "CAD",
    "A$": "AUD",
    "$": "USD",
    "SFR.": "CHF",
    "FR.": "CHF",
    "¥": "JPY",
    "ZŁ": "PLN",
    "KČ": "CZK",
}
_CODES = "EUR|USD|GBP|CHF|CAD|AUD|NZD|JPY|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|TRY|INR|CNY|ZAR"
_CURRENCY = f"(?i:{'|'.join([_CODES, *map(re.escape, _MARKS)])})"
_DIGIT = "[0-9OolI|SB]"
_AMOUNT = re.compile(
    rf"""(?<![\w.,]) (?P<sign>[-−–]\s?)? (?P<before>{_CURRENCY})? \s? (?P<minus>[-−–]\s?)?
    (?P<whole>{_DIGIT}{{1,3}}(?:[.,'’\s]{_DIGIT}{{3}}){{1,4}}|{_DIGIT}{{1,9}})
    (?P<cents>[.,]\s?{_DIGIT}{{2}})? (?P<none>,[-–—]+)?
    (?![\w]|[.,/-]\d|\s?%) \s? (?P<after>{_CURRENCY})? (?![A-Z])""",
    re.VERBOSE,
)
_READ_AS = str.maketrans("OolI|SB", "0011158")
_RATE = re.compile(r"(?<![\w.,])(\d{1,2}(?:[.,]\d{1,3})?)\s?%")
_LONE_CURRENCY = re.compile(rf"(?<!\w)(?:{_CODES}|[€£])(?![A-Za-z])")


@dataclass(frozen=True)
class Amount:
    """An amount of money; `certainty` is lower when digits had to be guessed."""

    value: Decimal
    currency: str | None
    mark: Span
    """Where the currency stands; the amount itself when there is none."""
    span: Span
    start: int
    certainty: float


def find_amounts(span: Span) -> Iterator[Amount]:
    """Return the amounts in a line, from left to right."""
    for match in _AMOUNT.finditer(span.text):
        amount = _amount(match, span)
        if amount is not None:
            yield amount


def _amount(match: re.Match[str], span: Span) -> Amount | None:
    where = "before" if match["before"] else "after"
    currency = match[where]
    if not (match["cents"] or match["none"] or currency):
        return None
    printed = match["whole"] + (match["cents"] or "")
    digits = printed.translate(_READ_AS)
    guessed = sum(one != other for one, other in zip(printed, digits, strict=True))
    if guessed * 2 > sum(character.isdigit() for character in digits):
        return None
    whole = "".join(filter(str.isdigit, match["whole"].translate(_READ_AS)))
    cents = "".join(filter(str.isdigit, (match["cents"] or "00").translate(_READ_AS)))
    value = Decimal(f"{whole}.{cents}")
    certainty = 0.8 if guessed or re.search(r"[.,]\s", printed) else 1.0
    return Amount(
        value=-value if match["sign"] or match["minus"] else value,
        currency=currency_code(currency) if currency else None,
        mark=span.part(*match.span(where)) if currency else span.part(*match.span()),
        span=span.part(*match.span()),
        start=match.start(),
        certainty=certainty,
    )


def find_rates(text: str) -> list[Decimal]:
    """Return the percentages in a line."""
    return [Decimal(rate.replace(",", ".")) for rate in _RATE.findall(text)]


def currency_code(mark: str) -> str:
    """Return the ISO 4217 code of a symbol or a code."""
    return _MARKS.get(mark.upper(), mark.upper())


def find_currencies(spans: Iterable[Span]) -> list[tuple[str, Span]]:
    """Return each currency that is named in the lines, the most frequent first, and where.

    A dollar counts only beside an amount, since OCR takes other signs for one.
    """
    counts: Counter[str] = Counter()
    first: dict[str, Span] = {}
    for span in spans:
        for amount in find_amounts(span):
            if amount.currency is not None:
                counts[amount.currency] += 1
                first.setdefault(amount.currency, amount.mark)
        for match in _LONE_CURRENCY.finditer(span.text):
            code = currency_code(match[0])
            counts[code] += 1
            first.setdefault(code, span.part(*match.span()))
    return [(code, first[code]) for code, _ in counts.most_common()]


def as_decimal_string(value: Decimal) -> str:
    """Return an amount with two decimals, a rate without trailing zeros."""
    return f"{value:.2f}"
