"""Compares what was found with each other, and doubts what does not agree."""

from collections.abc import Mapping
from decimal import Decimal

from stdnum import iban

from ocr_worker.understanding.findings import CheckName, FieldName, FoundField, Outcome
from ocr_worker.understanding.identifiers import is_vat_id
from ocr_worker.understanding.tax_lines import TOLERANCE

_ABOUT = {
    CheckName.TOTALS: (FieldName.NET, FieldName.VAT, FieldName.TOTAL),
    CheckName.IBAN: (FieldName.IBAN,),
    CheckName.VAT_ID: (FieldName.VAT_ID,),
    CheckName.DUE: (FieldName.DUE_DATE, FieldName.ISSUE_DATE),
}
_DOUBT = 0.5


def check(fields: Mapping[FieldName, FoundField]) -> dict[CheckName, Outcome]:
    """Return the outcome of every check."""
    return {name: _outcome(name, fields) for name in CheckName}


def doubted(
    fields: Mapping[FieldName, FoundField], checks: Mapping[CheckName, Outcome]
) -> dict[FieldName, FoundField]:
    """Return the fields with half the confidence where a check that they are part of failed."""
    doubtful = {
        name
        for failed, outcome in checks.items()
        if outcome is Outcome.FAIL
        for name in _ABOUT[failed]
    }
    return {
        name: field.model_copy(update={"confidence": round(field.confidence * _DOUBT, 3)})
        if name in doubtful
        else field
        for name, field in fields.items()
    }


def _outcome(name: CheckName, fields: Mapping[FieldName, FoundField]) -> Outcome:
    values = [fields[part].value for part in _ABOUT[name] if part in fields]
    if len(values) < len(_ABOUT[name]):
        return Outcome.UNKNOWN
    return Outcome.PASS if _holds(name, values) else Outcome.FAIL


def _holds(name: CheckName, values: list[str]) -> bool:
    match name:
        case CheckName.TOTALS:
            net, vat, total = map(Decimal, values)
            return abs(net + vat - total) <= TOLERANCE
        case CheckName.IBAN:
            return bool(iban.is_valid(values[0]))
        case CheckName.VAT_ID:
            return is_vat_id(values[0])
        case CheckName.DUE:
            due, issued = values  # ISO 8601, so they sort by themselves
            return due >= issued
