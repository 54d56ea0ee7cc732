"""No text makes it fail, or think for long."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ocr_worker.pages import PageResult, Word
from ocr_worker.understanding import Understanding, understand
from ocr_worker.understanding.layout import lay_out
from paper import PAPERS, typed

# So that every rule is tried on what follows.
_INVITATION = "Rechnung\nInvoice no\nTotal\nVAT\nIBAN\nBIC\nDue date\nAn\nzahlbar\n"

coordinates = st.floats(allow_nan=False, allow_infinity=False) | st.floats(0, 800)
characters = st.characters(codec="utf-8", exclude_characters=[chr(code) for code in range(32)])
tokens = st.sampled_from(
    [token for paper in PAPERS for token in paper.text.split()]
    + ["€", "%", "19%", "1.000,00", "|||", "DE", "31.12.", "٣٤", "²", "Ⅷ", "1e9", "''", "-"]
)
words = st.builds(
    Word,
    text=st.text(characters, min_size=1, max_size=12) | tokens,
    bbox=st.tuples(coordinates, coordinates, coordinates, coordinates),
    confidence=st.floats(0, 1),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(words, max_size=60), st.integers(1, 3))
def test_any_words_anywhere_are_borne(found: list[Word], number: int) -> None:
    page = typed(_INVITATION)
    understood = understand(
        [page.model_copy(update={"number": number, "words": (*page.words, *found)})]
    )
    assert Understanding.model_validate_json(understood.model_dump_json()) == understood


@settings(deadline=None)
@given(st.lists(st.lists(tokens, max_size=8).map("  ".join), max_size=30).map("\n".join))
def test_any_mixture_of_documents_is_borne(text: str) -> None:
    understood = understand([typed(_INVITATION + text)])
    assert all(field.bbox is not None for field in understood.fields.values())


@settings(deadline=None)
@given(st.text(characters | st.just("\n"), max_size=400))
def test_any_text_without_words_is_borne(text: str) -> None:
    page = typed("").model_copy(update={"text": _INVITATION + text})
    assert Understanding.model_validate(understand([page]))


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "word",
    ["|", "1", "DE", "DE1", "CHE-1.", "1.000,00", "1.1.26", "1Jan", "a:", "€", "-", "·", " ", "rn"],
)
def test_repetition_takes_no_time(word: str) -> None:
    """On pages of words far too many and too long; a bad expression would need years."""
    words = tuple(
        Word(text=word * 400, bbox=(index * 9, 0, index * 9 + 8, 9), confidence=1)
        for index in range(3_000)
    )
    page = typed(_INVITATION)
    full = page.model_copy(update={"words": (*page.words, *words)})
    text = page.model_copy(update={"words": (), "text": _INVITATION + word * 50_000})
    understand([full, text])


@pytest.mark.timeout(20)
def test_words_in_disorder_take_no_time() -> None:
    words = tuple(
        Word(
            text="x", bbox=(n * 7919 % 600, n % 800, n * 7919 % 600, n % 800 + 0.001), confidence=1
        )
        for n in range(20_000)
    )
    rows = lay_out([typed("").model_copy(update={"words": words})] * 8)
    assert sum(len(row.whole.pieces) for row in rows) <= 8 * 2_500


def test_what_looks_like_code_is_text() -> None:
    hostile = "=cmd|'/c calc'!A0 <script>alert(1)</script> Ltd"
    text = f"INVOICE\nInvoice no: X-1\nFrom: {hostile}\nBill to: Jane Doe\nTotal due 5.00 EUR"
    fields = understand([typed(text)]).fields
    assert fields["total"].value == "5.00"
    assert all(field.value in text for name, field in fields.items() if name.endswith("name"))


def test_pages_are_left_as_they_are() -> None:
    page = PAPERS[0].page()
    before = page.model_dump_json()
    understand([page])
    assert PageResult.model_validate_json(before) == page
