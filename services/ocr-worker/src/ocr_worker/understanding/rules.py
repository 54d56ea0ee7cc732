"""The built-in stage: rules for English and German business documents."""

from collections.abc import Sequence

from ocr_worker.pages import PageResult
from ocr_worker.understanding.accounts import find_bic, find_iban, find_vat_id
from ocr_worker.understanding.checks import check, doubted
from ocr_worker.understanding.dates import convention_of
from ocr_worker.understanding.document_type import classify
from ocr_worker.understanding.evidence import Evidence, found
from ocr_worker.understanding.findings import DocumentType, FieldName, FoundField, Understanding
from ocr_worker.understanding.language import detect_language
from ocr_worker.understanding.layout import lay_out
from ocr_worker.understanding.money import find_currencies
from ocr_worker.understanding.parties import find_customer, find_supplier
from ocr_worker.understanding.references import (
    find_delivery_date,
    find_due_date,
    find_issue_date,
    find_number,
)
from ocr_worker.understanding.totals import find_totals

_HAVE_FIELDS = {DocumentType.INVOICE, DocumentType.RECEIPT}


def read_by_rules(pages: Sequence[PageResult], so_far: Understanding) -> Understanding:
    """Tell type and language, and the fields of invoices and receipts."""
    rows = lay_out(pages)
    evidence = Evidence(rows)
    kind, confidence = classify(evidence)
    text = "\n".join(row.whole.text for row in rows)
    language, certainty = detect_language(text) or (None, 0.0)
    understood = so_far.model_copy(
        update={
            "document_type": kind,
            "document_type_confidence": confidence,
            "language": language,
            "language_confidence": round(certainty, 3),
        }
    )
    return _with_fields(understood, evidence) if kind in _HAVE_FIELDS else understood


def _with_fields(so_far: Understanding, evidence: Evidence) -> Understanding:
    totals = find_totals(evidence)
    fields: dict[FieldName, FoundField | None] = dict(totals.fields)
    currency = _currency(evidence, totals.fields.get(FieldName.TOTAL))
    convention = convention_of(
        (row.whole for row in evidence.rows),
        language=so_far.language,
        currency=currency.value if currency else None,
    )
    iban = find_iban(evidence)
    customer = find_customer(evidence)
    delivered = find_delivery_date(evidence, convention)
    due = find_due_date(evidence, convention, None)
    issued = find_issue_date(evidence, convention)
    fields |= {
        FieldName.NUMBER: find_number(evidence, convention),
        FieldName.ISSUE_DATE: issued,
        FieldName.DUE_DATE: due or find_due_date(evidence, convention, issued),
        FieldName.DELIVERY_DATE: delivered,
        FieldName.CURRENCY: currency,
        FieldName.IBAN: iban,
        FieldName.BIC: find_bic(evidence, iban),
        FieldName.VAT_ID: find_vat_id(evidence, iban),
        FieldName.SUPPLIER_NAME: find_supplier(evidence, customer),
        FieldName.CUSTOMER_NAME: customer,
    }
    known = {name: field for name, field in fields.items() if field is not None}
    checks = check(known)
    return so_far.model_copy(
        update={
            "fields": {**so_far.fields, **doubted(known, checks)},
            "vat_lines": totals.vat_lines,
            "checks": checks,
        }
    )


def _currency(evidence: Evidence, total: FoundField | None) -> FoundField | None:
    everywhere = find_currencies(row.whole for row in evidence.rows)
    beside = find_currencies(
        row.whole
        for row in evidence.rows
        if total is not None and row.page == total.page and total.text in row.whole.text
    )
    for confidence, currencies in ((0.95, beside), (0.85, everywhere)):
        if currencies:
            code, span = currencies[0]
            doubt = 0.8 if len(everywhere) > 1 or span.text == "$" else 1.0
            return found(code, span, confidence * doubt)
    return None
