"""A supplier is recognised by what is its own; when two are as likely, none is chosen."""

from uuid import NAMESPACE_DNS, UUID, uuid5

import pytest
from documents.catalogue.matching import KnownSupplier, Traces, match_supplier
from hypothesis import given
from hypothesis import strategies as st


def supplier(name: str, **more: str) -> KnownSupplier:
    return KnownSupplier(id=uuid5(NAMESPACE_DNS, name), name=name, **more)


SONNENHOF = supplier("Sonnenhof Gartenbau GmbH", iban="DE41 3705 0198 4478 8399 44")
MUELLER = supplier("Müller")
MUELLER_BAU = supplier("Müller Bau KG", description="USt-IdNr. DE 110 639 266, Herr Weiß")
THORNBURY = supplier("Thornbury & Vale Ltd", vat_id="GB980780684", email="Post@thornbury.example")
ACME_AG, ACME_LTD = supplier("Acme AG"), supplier("Acme Ltd")
KNOWN = [SONNENHOF, MUELLER, MUELLER_BAU, THORNBURY, ACME_AG, ACME_LTD]


def chosen(traces: Traces) -> UUID | None:
    match = match_supplier(traces, KNOWN)
    return None if match is None else match.supplier_id


@pytest.mark.parametrize(
    ("traces", "expected"),
    [
        (Traces(vat_id="GB980780684"), THORNBURY),
        (Traces(iban="DE41370501984478839944"), SONNENHOF),
        (Traces(vat_id="DE110639266"), MUELLER_BAU),
        (Traces(name="Sonnenhof Gartenbau GmbH"), SONNENHOF),
        (Traces(name="SONNENHOF GARTENBAU"), SONNENHOF),
        (Traces(name="Sonnenh0f Gartenbau GmbH"), SONNENHOF),
        (Traces(name="Thornbury and Vale Limited"), THORNBURY),
        (Traces(name="Acme AG"), ACME_AG),
        (Traces(name="Mueller", text="Rechnung von Müller"), MUELLER),
        (Traces(text="Rechnung\nMüller Bau KG\nBonn"), MUELLER_BAU),
        (Traces(text="Fragen? post@thornbury.example"), THORNBURY),
    ],
    ids=str,
)
def test_recognised(traces: Traces, expected: KnownSupplier) -> None:
    assert chosen(traces) == expected.id


@pytest.mark.parametrize(
    "traces",
    [
        Traces(),
        Traces(name=""),
        Traces(name="Somebody Else Ltd", text="nobody we know"),
        Traces(name="Acme"),
        Traces(name="Acme Inc"),
        Traces(text="Thornbury & Vale and Sonnenhof Gartenbau met"),
        Traces(text="the müllerin and the mill"),
        Traces(vat_id="GB980780684", iban="DE41370501984478839944"),
        Traces(vat_id="DE"),
    ],
    ids=str,
)
def test_left_open(traces: Traces) -> None:
    assert match_supplier(traces, KNOWN) is None


def test_an_identifier_beats_a_name() -> None:
    match = match_supplier(Traces(name="Thornbury & Vale Ltd", iban=SONNENHOF.iban), KNOWN)
    assert match is not None
    assert match.supplier_id == SONNENHOF.id
    by_name = match_supplier(Traces(name="Thornbury & Vale Ltd"), KNOWN)
    assert by_name is not None
    assert by_name.confidence < match.confidence


def test_two_that_share_an_account_are_told_apart_by_name() -> None:
    north = supplier("Nordlicht Elektro GmbH", iban="DE08500105178417567222")
    south = supplier("Südlicht Sanitär GmbH", iban="DE08500105178417567222")
    traces = Traces(name="Südlicht Sanitär", iban="DE08 5001 0517 8417 5672 22")
    match = match_supplier(traces, [north, south])
    assert match is not None
    assert match.supplier_id == south.id
    assert match_supplier(Traces(iban=traces.iban), [north, south]) is None


def test_somebody_with_no_suppliers_has_no_match() -> None:
    assert match_supplier(Traces(name="Acme", vat_id="GB980780684"), []) is None


@given(
    st.lists(st.text(max_size=40), max_size=8),
    st.none() | st.text(max_size=60),
    st.none() | st.text(max_size=40),
    st.text(max_size=300),
)
def test_any_text_is_borne(
    names: list[str], name: str | None, identifier: str | None, text: str
) -> None:
    suppliers = [supplier(each, description=each) for each in names]
    match = match_supplier(Traces(name, identifier, identifier, text), suppliers)
    assert match is None or (
        match.supplier_id in {each.id for each in suppliers} and 0 < match.confidence <= 1
    )


@given(st.permutations(KNOWN), st.sampled_from([Traces(name="Acme"), Traces(name="Müller Bau")]))
def test_the_order_of_suppliers_decides_nothing(
    suppliers: list[KnownSupplier], traces: Traces
) -> None:
    assert match_supplier(traces, suppliers) == match_supplier(traces, KNOWN)
