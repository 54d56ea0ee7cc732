"""Amounts, dates and identifiers are read in every notation, and what is wrong is not believed."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocr_worker.understanding.dates import Convention, Order, find_dates
from ocr_worker.understanding.identifiers import find_bics, find_ibans, find_vat_ids
from ocr_worker.understanding.labels import Meaning, find_labels
from ocr_worker.understanding.language import detect_language
from ocr_worker.understanding.layout import Span, lay_out
from ocr_worker.understanding.money import find_amounts, find_rates
from paper import typed

_CONFUSED = {"l": "l1I|", "I": "Il1", "o": "o0O", "g": "gq", "i": "il1", "D": "Dd", "ä": "äaÄ"}

DAY_FIRST, MONTH_FIRST = (Convention(order, 0.9) for order in Order)


def line(text: str) -> Span:
    (row,) = lay_out([typed(text)])
    return row.whole


def amounts(text: str) -> list[str]:
    return [str(amount.value) for amount in find_amounts(line(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.234,56 €", ["1234.56"]),
        ("EUR 1,234.56", ["1234.56"]),
        ("CHF 1'234.50", ["1234.50"]),
        ("12 345 678,90", ["12345678.90"]),
        ("$5", ["5.00"]),
        ("500,- EUR", ["500.00"]),
        ("-12,00", ["-12.00"]),
        ("€ −12,00", ["-12.00"]),
        ("1O0,0O €", ["100.00"]),
        ("119, 00", ["119.00"]),
        ("2 x 4.50 = 9.00", ["4.50", "9.00"]),
        ("Tel. 0221 12 34", []),
        ("31.12.2026", []),
        ("31.12.26", []),
        ("19,00 %", []),
        ("Nr. 2026", []),
        ("1.240 kg", []),
        ("BOSS", []),
    ],
)
def test_amounts(text: str, expected: list[str]) -> None:
    assert amounts(text) == expected


@given(st.decimals(0, 99_999_999, places=2), st.sampled_from([",.", ".,", "'.", " ,"]))
def test_any_amount_is_read_in_any_notation(value: Decimal, marks: str) -> None:
    printed = f"{value:,.2f}".translate(str.maketrans(",.", marks))
    assert [amount.value for amount in find_amounts(line(f"{printed} EUR"))] == [value]


def test_rates() -> None:
    assert find_rates("19 % und 5,5% und 100%") == [Decimal(19), Decimal("5.5")]


@pytest.mark.parametrize(
    "text",
    [
        "31.12.2026",
        "31. 12. 2026",
        "31.12.26",
        "2026-12-31",
        "31/12/2026",
        "12/31/2026",
        "31-12-2026",
        "31. Dezember 2026",
        "31 Dec 2026",
        "31st December 2026",
        "31-Dec-2026",
        "December 31, 2026",
        "Dec. 31, 2026",
        "3l.l2.2O26",
    ],
)
def test_dates(text: str) -> None:
    for convention in (DAY_FIRST, MONTH_FIRST):
        found = find_dates(line(f"Date {text} or so"), convention)
        assert [each.value for each in found] == [date(2026, 12, 31)]


def test_one_notation_has_two_meanings() -> None:
    (here,) = find_dates(line("03/04/2026"), DAY_FIRST)
    (there,) = find_dates(line("03/04/2026"), MONTH_FIRST)
    (either,) = find_dates(line("04/04/2026"), MONTH_FIRST)
    assert (here.value, there.value) == (date(2026, 4, 3), date(2026, 3, 4))
    assert here.certainty < either.certainty == 1


@pytest.mark.parametrize("text", ["31.02.2026", "32.01.2026", "00/00/2026", "1.2.3", "10.10.10.10"])
def test_no_dates(text: str) -> None:
    assert not find_dates(line(text), DAY_FIRST)


@given(
    st.dates(date(2000, 1, 1), date(2049, 12, 31)),
    st.sampled_from(["%d.%m.%Y", "%Y-%m-%d", "%d %b %Y", "%B %d, %Y", "%d/%m/%Y", "%d.%m.%y"]),
)
def test_any_date_is_read_in_any_notation(day: date, notation: str) -> None:
    (found,) = find_dates(line(day.strftime(notation)), DAY_FIRST)
    assert found.value == day


@pytest.mark.parametrize(
    ("text", "value", "valid"),
    [
        ("DE89 3704 0044 0532 0130 00", "DE89370400440532013000", True),
        ("DE89370400440532013000", "DE89370400440532013000", True),
        ("DE89 37O4 0044 0532 O130 0O", "DE89370400440532013000", True),
        ("DE89 3704 0044 0532 0130 01", "DE89370400440532013001", False),
        ("DE89 3704 0044 0532 0130 00 BIC COBADEFFXXX", "DE89370400440532013000", True),
        ("GB25 BARC 2032 5512 3456 78", "GB25BARC20325512345678", True),
        ("MT84MALT011000012345MTLCAST001S", "MT84MALT011000012345MTLCAST001S", True),
    ],
)
def test_ibans(text: str, value: str, valid: bool) -> None:
    (found,) = find_ibans(line(f"IBAN: {text}"))
    assert (found.value, found.valid) == (value, valid)


@given(st.integers(4, 21), st.integers(1, 9))
def test_no_wrong_digit_in_an_iban_is_believed(position: int, by: int) -> None:
    right = "DE89370400440532013000"
    digit = str((int(right[position]) + by) % 10)
    (found,) = find_ibans(line(right[:position] + digit + right[position + 1 :]))
    assert not found.valid
    assert found.certainty < 0.5


@pytest.mark.parametrize(
    ("text", "value", "valid"),
    [
        ("DE 110 639 266", "DE110639266", True),
        ("DE110639267", "DE110639267", False),
        ("DE11O639266", "DE110639266", True),
        ("ATU13585627", "ATU13585627", True),
        ("GB 980 7806 84", "GB980780684", True),
        ("IE6433435F", "IE6433435F", True),
        ("NL004495445B01", "NL004495445B01", True),
        ("CHE-107.787.577 MWST", "CHE107787577MWST", True),
        ("DE110639266 Amtsgericht", "DE110639266", True),
    ],
)
def test_vat_ids(text: str, value: str, valid: bool) -> None:
    (found,) = find_vat_ids(line(f"VAT ID {text}"))
    assert (found.value, found.valid) == (value, valid)


def test_words_are_no_vat_ids() -> None:
    assert not list(find_vat_ids(line("DEUTSCHLAND SEITENZAHL BELIEBIG")))


def test_a_bic_is_of_a_country() -> None:
    (right,) = find_bics(line("COBADEFFXXX"))
    (wrong,) = find_bics(line("COBAQQFFXXX"))
    assert right.valid
    assert not wrong.valid


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("Rechnungs-Nr.:", Meaning.NUMBER),
        ("Rechnungs Nr", Meaning.NUMBER),
        ("Rechnunqsnummer", Meaning.NUMBER),
        ("Rechniungsnummer", Meaning.NUMBER),
        ("lNVOICE N0.", Meaning.NUMBER),
        ("Fällig am", Meaning.DUE_DATE),
        ("Faellig am", Meaning.DUE_DATE),
        ("Tota1 due", Meaning.TOTAL),
        ("VAT", Meaning.VAT),
        ("VAT No.", Meaning.VAT_ID),
        ("Ihre USt-IdNr.", Meaning.THEIR_VAT_ID),
        ("Order number", Meaning.SOMETHING_ELSE),
    ],
)
def test_labels(text: str, meaning: Meaning) -> None:
    (found,) = find_labels(line(f"{text} 123"))
    assert found.meaning is meaning


@given(st.sampled_from(["Rechnungsnummer", "Invoice Date", "Total due", "Fälligkeit"]), st.data())
def test_what_ocr_confuses_is_the_same_in_a_label(label: str, data: st.DataObject) -> None:
    (right,) = find_labels(line(label))
    misread = "".join(data.draw(st.sampled_from(_CONFUSED.get(each, each))) for each in label)
    (found,) = find_labels(line(misread))
    assert found.meaning is right.meaning


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Vielen Dank für Ihren Einkauf und auf Wiedersehen", "de"),
        ("THANK YOU FOR SHOPPING WITH US TODAY", "en"),
        ("Merci de votre visite et à bientôt dans notre magasin", "fr"),
        ("12,00 34,50 99", None),
        ("", None),
    ],
)
def test_language(text: str, language: str | None) -> None:
    found = detect_language(text)
    assert (found[0] if found else None) == language
