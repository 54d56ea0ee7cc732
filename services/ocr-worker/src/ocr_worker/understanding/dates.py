"""Finds dates in a line of text, in German and English notations.

12/11/2026 is the one thing in the Americas and the other elsewhere; the rest of the document
decides: a date like 12/31/2026, else the currency and the language.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum

from ocr_worker.understanding.folding import fold
from ocr_worker.understanding.layout import Span

_MONTHS = (
    "january jan januar janner jaenner",
    "february feb februar feber",
    "march mar märz mär mrz maerz",
    "april apr",
    "may mai",
    "june jun juni",
    "july jul juli",
    "august aug",
    "september sep sept",
    "october oct oktober okt",
    "november nov",
    "december dec dezember dez",
)
_MONTH = {fold(name): month for month, names in enumerate(_MONTHS, 1) for name in names.split()}

_D = "[0-9OolI|SB]"
_DAY_OR_MONTH = rf"({_D}{{1,2}})"
_NUMERIC = re.compile(
    rf"(?<![\w.,/-]){_DAY_OR_MONTH}\s?([./-])\s?{_DAY_OR_MONTH}\s?\2\s?({_D}{{4}}|{_D}{{2}})"
    r"(?![\w/]|[.,-]\d)"
)
_ISO = re.compile(rf"(?<![\w.,/-])({_D}{{4}})-({_D}{{2}})-({_D}{{2}})(?![\w/]|-\d)")
_NAME = r"([^\W\d_]{3,9}|[^\W\d_]{2}[0-9|!][^\W\d_]{0,6})"
_DAY_FIRST = re.compile(
    rf"(?<![\w.,/])({_D}{{1,2}})(?:st|nd|rd|th)?[.,]?[\s-]?(?:of\s)?{_NAME}\.?,?[\s-]{{0,2}}({_D}{{4}}|{_D}{{2}})(?![\w/])"
)
_MONTH_FIRST = re.compile(
    rf"(?<![\w.,/]){_NAME}\.?\s?({_D}{{1,2}})(?:st|nd|rd|th)?,?\s({_D}{{4}})(?![\w/])"
)
_READ_AS = str.maketrans("OolI|SB", "0011158")
_YEARS = range(1950, 2100)


class Order(Enum):
    """Which of two numbers is the day."""

    DAY_FIRST = "day first"
    MONTH_FIRST = "month first"


@dataclass(frozen=True)
class FoundDate:
    """A date on the page; `certainty` is lower where day and month could be exchanged."""

    value: date
    span: Span
    start: int
    certainty: float


@dataclass(frozen=True)
class Convention:
    """How this document writes 12/11/2026, and how sure that is."""

    order: Order
    certainty: float


def convention_of(
    spans: Iterable[Span], *, language: str | None, currency: str | None
) -> Convention:
    """Find out from the other dates, the currency and the language which number is the day."""
    votes = dict.fromkeys(Order, 0)
    for span in spans:
        for match in _NUMERIC.finditer(span.text):
            first, second = _number(match[1]), _number(match[3])
            if match[2] != "." and first <= 31 and second <= 31 and max(first, second) > 12:
                votes[Order.DAY_FIRST if first > 12 else Order.MONTH_FIRST] += 1
    day_first, month_first = votes[Order.DAY_FIRST], votes[Order.MONTH_FIRST]
    if day_first != month_first:
        order = Order.DAY_FIRST if day_first > month_first else Order.MONTH_FIRST
        return Convention(order, 0.95)
    if currency == "USD" and language in {"en", None}:
        return Convention(Order.MONTH_FIRST, 0.75)
    return Convention(Order.DAY_FIRST, 0.75 if currency or language != "en" else 0.5)


def find_dates(span: Span, convention: Convention) -> list[FoundDate]:
    """Return the dates in a line, from left to right."""
    found = [
        *_numeric(span, convention),
        *_parsed(span, _ISO, "ymd"),
        *_parsed(span, _DAY_FIRST, "dmy"),
        *_parsed(span, _MONTH_FIRST, "mdy"),
    ]
    return sorted(found, key=lambda date: date.start)


def _numeric(span: Span, convention: Convention) -> Iterator[FoundDate]:
    for match in _NUMERIC.finditer(span.text):
        first, second, year = _number(match[1]), _number(match[3]), _year(match[4])
        certainty = _certainty(match)
        month_first = match[2] != "." and (
            second > 12 or (first <= 12 and convention.order is Order.MONTH_FIRST)
        )
        if match[2] != "." and first <= 12 and second <= 12 and first != second:
            certainty *= convention.certainty
        day, month = (second, first) if month_first else (first, second)
        if (value := _date(year, month, day)) is not None:
            yield FoundDate(value, span.part(*match.span()), match.start(), certainty)


def _parsed(span: Span, pattern: re.Pattern[str], order: str) -> Iterator[FoundDate]:
    for match in pattern.finditer(span.text):
        parts = dict(zip(order, match.groups(), strict=True))
        month = _MONTH.get(fold(parts["m"])) if order != "ymd" else _number(parts["m"])
        value = _date(_year(parts["y"]), month or 0, _number(parts["d"]))
        if value is not None:
            yield FoundDate(value, span.part(*match.span()), match.start(), _certainty(match))


def _certainty(match: re.Match[str]) -> float:
    """Return 1, or less when letters had to be taken for digits."""
    digits = sum(character.isdigit() for character in match[0])
    return 0.8 if match[0] != match[0].translate(_READ_AS) and digits < 6 else 1.0


def _number(text: str) -> int:
    return int(text.translate(_READ_AS))


def _year(text: str) -> int:
    year = _number(text)
    return year if len(text) == 4 else 2000 + year


def _date(year: int, month: int, day: int) -> date | None:
    try:
        value = date(year, month, day)
    except ValueError:
        return None
    return value if value.year in _YEARS else None
