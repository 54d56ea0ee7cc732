"""What a person reads on business documents is what comes out, with its place on the page."""

import math
from decimal import Decimal
from typing import Any

import pytest
from ocr_worker.pages import PageResult, Word
from ocr_worker.understanding import CheckName, FieldName, Outcome, Understanding, understand
from paper import PAPERS, Paper, paper, typed

Box = tuple[float, float, float, float]

HAVE_FIELDS = [each for each in PAPERS if each.expected["document_type"] in {"invoice", "receipt"}]
every_paper = pytest.mark.parametrize("document", PAPERS, ids=lambda each: each.name)
every_invoice = pytest.mark.parametrize("document", HAVE_FIELDS, ids=lambda each: each.name)


def values(understood: Understanding) -> dict[str, Any]:
    """The fields as a paper expects them."""
    found = {name: field.value for name, field in understood.fields.items()}
    return found | {"rates": sorted(line.rate for line in understood.vat_lines)}


def expected(document: Paper) -> dict[str, Any]:
    rest = {**document.expected, "rates": sorted(document.expected["rates"])}
    return {name: value for name, value in rest.items() if name in {*FieldName, "rates"}}


def test_there_are_enough_papers() -> None:
    languages = [each.expected["language"] for each in PAPERS]
    assert min(languages.count("de"), languages.count("en")) >= 12


@every_paper
def test_type_and_language(document: Paper) -> None:
    understood = understand([document.page()])
    assert understood.document_type == document.expected["document_type"]
    assert understood.language == document.expected["language"]
    assert 0.3 < understood.document_type_confidence < 1
    assert 0 < understood.language_confidence <= 1
    if document not in HAVE_FIELDS:
        assert not understood.fields
        assert not understood.checks


@every_invoice
def test_fields(document: Paper) -> None:
    understood = understand([document.page()])
    assert values(understood) == expected(document)
    assert set(understood.fields) <= set(FieldName)


@every_invoice
def test_every_field_is_where_it_says(document: Paper) -> None:
    page = document.page()
    assert_in_place(understand([page]), page)


def assert_in_place(understood: Understanding, page: PageResult) -> None:
    """Every field stands on the page within its box."""
    for found in [*understood.fields.values(), *understood.vat_lines]:
        assert found.page == page.number
        assert found.bbox is not None
        covered = " ".join(word.text for word in page.words if _within(word, found.bbox))
        assert all(part in covered for part in found.text.split())


def _within(word: Word, box: Box) -> bool:
    x0, y0, x1, y1 = word.bbox
    return x0 >= box[0] and y0 >= box[1] and x1 <= box[2] and y1 <= box[3]


@every_invoice
def test_a_text_without_boxes_will_do(document: Paper) -> None:
    page = document.page().model_copy(update={"text": document.text, "words": ()})
    understood = understand([page])
    assert values(understood) == expected(document)
    assert {field.bbox for field in understood.fields.values()} == {None}


@every_invoice
@pytest.mark.parametrize("slope", [-0.01, 0.01])
def test_a_page_may_be_askew(document: Paper, slope: float) -> None:
    """By a little more than half a degree, which is what deskewing may leave."""
    page = document.page()
    words = tuple(_lowered(word, slope * word.bbox[0]) for word in page.words)
    assert values(understand([page.model_copy(update={"words": words})])) == expected(document)


def _lowered(word: Word, by: float) -> Word:
    x0, y0, x1, y1 = word.bbox
    return word.model_copy(update={"bbox": (x0, y0 + by, x1, y1 + by)})


@every_invoice
@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_page_may_lie_on_its_side(document: Paper, rotation: int) -> None:
    page = _turned(document.page(), rotation)
    understood = understand([page])
    assert values(understood) == expected(document)
    assert_in_place(understood, page)


@every_invoice
def test_a_page_whose_skew_is_told_may_be_very_much_askew(document: Paper) -> None:
    page = document.page()
    fall = math.tan(math.radians(4))
    words = tuple(_lowered(word, fall * word.bbox[0]) for word in page.words)
    skewed = page.model_copy(update={"words": words, "skew": 4.0})
    assert values(understand([skewed])) == expected(document)


def _turned(page: PageResult, rotation: int) -> PageResult:
    """The page as it is shown when it has to be turned clockwise to be upright."""
    words = tuple(
        word.model_copy(update={"bbox": _turn(word.bbox, page, rotation)}) for word in page.words
    )
    size = (page.width, page.height) if rotation == 180 else (page.height, page.width)
    return page.model_copy(
        update={"words": words, "rotation": rotation, "width": size[0], "height": size[1]}
    )


def _turn(box: Box, page: PageResult, rotation: int) -> Box:
    """Turn a box on an upright page counterclockwise."""
    x0, y0, x1, y1 = box
    width, height = page.width, page.height
    return {
        90: (y0, width - x1, y1, width - x0),
        180: (width - x1, height - y1, width - x0, height - y0),
        270: (height - y1, x0, height - y0, x1),
    }[rotation]


@every_invoice
def test_the_order_of_words_does_not_matter(document: Paper) -> None:
    """Columns are read one after the other, and amounts long after their labels."""
    page = document.page()
    words = tuple(sorted(page.words, key=lambda word: (word.bbox[0] // 150, word.bbox[1])))
    assert values(understand([page.model_copy(update={"words": words})])) == expected(document)


@every_paper
def test_it_survives_json(document: Paper) -> None:
    understood = understand([document.page()])
    assert Understanding.model_validate_json(understood.model_dump_json()) == understood


def test_what_agrees_passes() -> None:
    understood = understand([paper("de-invoice-din5008").page()])
    assert understood.checks == dict.fromkeys(CheckName, Outcome.PASS)
    assert all(field.confidence > 0.5 for field in understood.fields.values())


def test_what_does_not_agree_fails_and_is_doubted() -> None:
    understood = understand([paper("en-invoice-wrong-sum").page()])
    assert understood.checks == dict.fromkeys(CheckName, Outcome.FAIL)
    sound = understand([paper("en-invoice-uk").page()])
    for name in (FieldName.TOTAL, FieldName.IBAN, FieldName.VAT_ID, FieldName.DUE_DATE):
        assert understood.fields[name].confidence <= 0.5 < sound.fields[name].confidence


def test_what_is_missing_is_unknown() -> None:
    understood = understand([paper("en-receipt-payment").page()])
    assert understood.checks == dict.fromkeys(CheckName, Outcome.UNKNOWN)


def test_a_doubtful_reading_is_a_doubtful_field() -> None:
    text = paper("de-invoice-din5008").text
    sure, unsure = (understand([typed(text, confidence=each)]) for each in (1.0, 0.4))
    for name, field in sure.fields.items():
        assert unsure.fields[name].value == field.value
        assert unsure.fields[name].confidence < field.confidence


def test_an_ambiguous_date_is_less_sure() -> None:
    ambiguous = understand([paper("en-invoice-us").page()]).fields[FieldName.ISSUE_DATE]
    plain = understand([paper("en-invoice-us-columns").page()]).fields[FieldName.ISSUE_DATE]
    assert ambiguous.confidence < plain.confidence


@pytest.mark.parametrize(
    ("other_date", "issued"), [("12/31/2026", "2026-03-04"), ("31/12/2026", "2026-04-03")]
)
def test_another_date_tells_which_number_is_the_day(other_date: str, issued: str) -> None:
    text = f"INVOICE\nInvoice no 17\nInvoice date 03/04/2026\nDue date {other_date}\nTotal 12.00"
    assert understand([typed(text)]).fields[FieldName.ISSUE_DATE].value == issued


def test_the_vat_of_each_rate() -> None:
    lines = understand([paper("de-invoice-two-rates").page()]).vat_lines
    shown = {line.rate: (Decimal(line.amount), line.net) for line in lines}
    assert shown == {"7": (Decimal("6.30"), "90.00"), "19": (Decimal("38.00"), "200.00")}


def test_a_long_invoice_is_read_at_both_ends() -> None:
    pages = _long_invoice(pages=12)
    understood = understand(pages)
    assert understood.document_type == "invoice"
    assert understood.fields[FieldName.NUMBER].value == "L-1"
    total = understood.fields[FieldName.TOTAL]
    assert (total.value, total.page) == ("119.00", 12)


@pytest.mark.timeout(20)
def test_a_thousand_pages_are_not_all_looked_at() -> None:
    pages = _long_invoice(pages=1_000)
    hidden = typed("Invoice no. HIDDEN-1\nAmount due 999.00", number=500)
    pages[499] = hidden
    assert "HIDDEN" not in understand(pages).model_dump_json()


def _long_invoice(pages: int) -> list[PageResult]:
    item = "4 days of carpentry in the old mill     25.00"
    first = typed(f"INVOICE\nInvoice no: L-1\nDate: 1 March 2026\n\n{item}")
    items = typed("\n".join([item] * 40))
    middle = [items.model_copy(update={"number": number}) for number in range(2, pages)]
    last = typed(f"{item}\nNet 100.00\nVAT 19% 19.00\nTotal due EUR 119.00", number=pages)
    return [first, *middle, last]


def test_nothing_is_other() -> None:
    for pages in ([], [typed("")], [typed("  \n ")]):
        understood = understand(pages)
        assert understood.document_type == "other"
        assert understood.language is None
        assert not understood.fields
