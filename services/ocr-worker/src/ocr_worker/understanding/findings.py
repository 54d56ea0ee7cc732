"""What is understood of a document: its type, its language, and what is printed on it."""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from ocr_worker.pages import Share

Bbox = tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]


class DocumentType(StrEnum):
    """What a document is for."""

    INVOICE = "invoice"
    CONTRACT = "contract"
    RECEIPT = "receipt"
    DELIVERY_NOTE = "delivery_note"
    OTHER = "other"


class FieldName(StrEnum):
    """What is looked for on invoices and receipts."""

    NUMBER = "number"
    ISSUE_DATE = "issue_date"
    DUE_DATE = "due_date"
    DELIVERY_DATE = "delivery_date"
    CURRENCY = "currency"
    NET = "net"
    VAT = "vat"
    TOTAL = "total"
    IBAN = "iban"
    BIC = "bic"
    VAT_ID = "vat_id"
    SUPPLIER_NAME = "supplier_name"
    CUSTOMER_NAME = "customer_name"


class CheckName(StrEnum):
    """What must agree on a document that is in order."""

    TOTALS = "net_plus_vat_is_total"
    IBAN = "iban_valid"
    VAT_ID = "vat_id_valid"
    DUE = "due_not_before_issued"


class Outcome(StrEnum):
    """How a check went; unknown when what it compares was not found."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"


class _Finding(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str = Field(min_length=1)
    """As it is printed."""
    page: int = Field(ge=1)
    bbox: Bbox | None
    """In page units, as the boxes of words; None when the page came without words."""
    confidence: Share


class FoundField(_Finding):
    """A value and where it stands.

    `value` is normalised: dates are ISO 8601, amounts are decimal strings with a point, currencies
    are ISO 4217, IBAN (ISO 13616), BIC (ISO 9362) and VAT ids are without spaces.
    """

    value: str = Field(min_length=1)


class VatLine(_Finding):
    """The VAT at one rate: `rate` is in percent, the amounts are decimal strings."""

    rate: str
    amount: str
    net: str | None


class Understanding(BaseModel):
    """What is known of a document after a stage; each stage returns a new one.

    `language` is ISO 639-1, or None when there is too little text. Fields, VAT lines and checks
    are there for invoices and receipts only.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    document_type: DocumentType = DocumentType.OTHER
    document_type_confidence: Share = 0.0
    language: str | None = None
    language_confidence: Share = 0.0
    fields: Mapping[str, FoundField] = {}
    """By `FieldName`; a stage from outside may add others."""
    vat_lines: tuple[VatLine, ...] = ()
    checks: Mapping[CheckName, Outcome] = {}
