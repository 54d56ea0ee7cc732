"""Finds IBANs, BICs and VAT ids, and proves their check digits.

IBAN: ISO 13616 (check digits by ISO 7064, mod 97-10), BIC: ISO 9362, VAT ids: each state's rule.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from stdnum import bic, iban
from stdnum.ch import vat as swiss_vat
from stdnum.eu import vat as eu_vat
from stdnum.gb import vat as british_vat

from ocr_worker.understanding.layout import Span

_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\s?[0-9OIlSB]{2}(?:[^\w|]{0,2}[A-Za-z0-9|]){11,32}")
_BIC = re.compile(r"(?<![A-Za-z0-9])[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?(?![A-Za-z0-9])")
_COUNTRIES = (
    "ATU|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GB|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI"
)
_VAT_ID = re.compile(
    rf"(?<![A-Za-z0-9])(?:CHE[\s.-]?(?:[0-9OIlSB][\s.-]?){{9}}(?:MWST|TVA|IVA)?"
    rf"|(?:{_COUNTRIES})[\s.-]?(?:[0-9A-Za-z][\s.-]?){{6,12}})"
)
_LENGTH = {"AT": 20, "BE": 16, "CH": 21, "DE": 22, "ES": 24, "FR": 27, "GB": 22, "IT": 27}
_LENGTH |= {
    "IE": 22,
    "LI": 21,
    "LU": 20,
    "NL": 18,
    "PL": 28,
    "CZ": 24,
    "DK": 18,
    "SE": 24,
    "NO": 15,
}
_LETTERS_OF_BANK = {"GB": 4, "IE": 4, "NL": 4}
_NATIONAL_DIGITS = {"AT": 9, "DE": 9, "BE": 10, "DK": 8, "FI": 8, "LU": 8, "PL": 10, "PT": 9}
_READ_AS = str.maketrans("OoIl|SBZ", "00111582")


@dataclass(frozen=True)
class Identifier:
    """An identifier without spaces, whether its check digits are right, and where it stands."""

    value: str
    valid: bool
    span: Span
    certainty: float


def find_ibans(line: Span) -> Iterator[Identifier]:
    """Return what looks like an IBAN; digits that OCR took for letters are mended by mod 97."""
    for match in _IBAN.finditer(line.text):
        yield _iban(match[0], line, match.start())


def _iban(printed: str, line: Span, start: int) -> Identifier:
    ends = [index for index, character in enumerate(printed, 1) if _counts(character)]
    compact = "".join(filter(_counts, printed))
    known = _LENGTH.get(compact[:2])
    for length in [known] if known else range(15, 35):
        if length > len(compact):
            break
        exact = compact[:length]
        for value, certainty in ((exact.upper(), 1.0), (_mended(exact), 0.85)):
            if iban.is_valid(value):
                span = line.part(start, start + ends[length - 1])
                return Identifier(value, True, span, certainty)
    length = min(known or len(compact), len(compact))
    span = line.part(start, start + ends[length - 1])
    return Identifier(compact[:length].upper(), False, span, 0.4)


def _counts(character: str) -> bool:
    return character.isalnum() or character == "|"


def _mended(compact: str) -> str:
    """Return an IBAN with digits where it has no letters: all but the country and the bank."""
    digits = 4 + _LETTERS_OF_BANK.get(compact[:2], 0)
    check, bank, account = compact[2:4], compact[4:digits], compact[digits:]
    return compact[:2] + check.translate(_READ_AS) + bank.upper() + account.translate(_READ_AS)


def find_bics(line: Span) -> Iterator[Identifier]:
    """Return what has the form of a BIC, as many words in capitals have."""
    for match in _BIC.finditer(line.text):
        valid = bic.is_valid(match[0])
        yield Identifier(match[0], valid, line.part(*match.span()), 1.0 if valid else 0.3)


def find_vat_ids(line: Span) -> Iterator[Identifier]:
    """Return what looks like a VAT id; those of the EU, Britain and Switzerland are proved."""
    for match in _VAT_ID.finditer(line.text):
        found = _vat_id(match[0], line, match.start())
        if found is not None:
            yield found


def _vat_id(printed: str, line: Span, start: int) -> Identifier | None:
    # What follows may have been taken along, so the shorter readings are tried too.
    ends = [index for index, character in enumerate(printed, 1) if character.isalnum()]
    compact = "".join(filter(str.isalnum, printed))
    prefix = 3 if compact.startswith(("ATU", "CHE")) else 2
    for length in range(len(compact), 7, -1):
        exact = compact[:length]
        mended = exact[:prefix] + exact[prefix:].translate(_READ_AS)
        for value, certainty in ((exact.upper(), 1.0), (mended, 0.85)):
            if is_vat_id(value):
                return Identifier(
                    value, True, line.part(start, start + ends[length - 1]), certainty
                )
    digits = _NATIONAL_DIGITS.get(compact[:2], 9)
    value = compact[: 2 + digits].upper()
    if sum(character.isdigit() for character in value) < 7:
        return None
    end = ends[min(len(ends), 2 + digits) - 1]
    return Identifier(value, False, line.part(start, start + end), 0.4)


def is_vat_id(value: str) -> bool:
    """Whether the check digits of a VAT id of the EU, Britain or Switzerland are right."""
    if value.startswith("GB"):
        return bool(british_vat.is_valid(value))
    if value.startswith("CHE"):
        return bool(swiss_vat.is_valid(value))
    return bool(eu_vat.is_valid(value))
