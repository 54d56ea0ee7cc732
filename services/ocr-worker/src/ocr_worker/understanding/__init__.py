"""Makes sense of read documents: type, language, and the fields of invoices and receipts."""

from ocr_worker.understanding.findings import (
    CheckName,
    DocumentType,
    FieldName,
    FoundField,
    Outcome,
    Understanding,
    VatLine,
)
from ocr_worker.understanding.stages import Stage, understand

__all__ = [
    "CheckName",
    "DocumentType",
    "FieldName",
    "FoundField",
    "Outcome",
    "Stage",
    "Understanding",
    "VatLine",
    "understand",
]
