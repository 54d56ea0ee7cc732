"""What a document says, in fields: as the worker found it, and as its owner has put it right."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, StringConstraints

from documents.fields import DocumentType, Input

Outcome = Literal["pass", "fail", "unknown"]
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
Value = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]


class ExtractedField(BaseModel):
    """A value and where it stands.

    Dates are ISO 8601, amounts decimal strings with a point, currencies ISO 4217, and IBAN, BIC
    and VAT ids without spaces. What the owner has put in stands nowhere.
    """

    value: str
    text: str | None = Field(default=None, description="As it is printed.")
    page: int | None = None
    bbox: tuple[float, float, float, float] | None = Field(
        default=None, description="x0, y0, x1, y1 in page units from the top left corner."
    )
    confidence: float = Field(ge=0, le=1)
    corrected: bool = False


class VatLine(BaseModel):
    """The VAT at one rate."""

    rate: str = Field(description="Per cent.")
    amount: str
    net: str | None
    text: str
    page: int
    bbox: tuple[float, float, float, float] | None
    confidence: float


class ExtractedData(BaseModel):
    """Of what type a document is, and for invoices and receipts what their fields say."""

    document_type: str = "other"
    document_type_confidence: float = Field(default=0, ge=0, le=1)
    language: str | None = Field(default=None, description="ISO 639-1.")
    fields: dict[str, ExtractedField] = {}
    vat_lines: list[VatLine] = []
    checks: dict[str, Outcome] = Field(
        default={}, description="Whether what must agree does: net and VAT make the total, …"
    )

    def value(self, field: str) -> str | None:
        """Return the value of a field, if it was found."""
        found = self.fields.get(field)
        return found.value if found else None

    def corrected(self, corrections: "Corrections") -> Self:
        """Return the same with what the owner has put right."""
        fields = {
            name: each for name, each in self.fields.items() if name not in corrections.fields
        }
        for name, value in corrections.fields.items():
            if value is not None:
                fields[name] = ExtractedField(value=value, confidence=1, corrected=True)
        update: dict[str, object] = {"fields": fields}
        if corrections.document_type is not None:
            update |= {"document_type": corrections.document_type, "document_type_confidence": 1.0}
        return self.model_copy(update=update)


class Corrections(Input):
    """What is wrong with what was understood; what is left out stays as it is."""

    document_type: DocumentType | None = None
    fields: dict[FieldName, Value | None] = Field(
        default={}, max_length=100, description="`null` takes a field away."
    )

    def after(self, earlier: "Corrections") -> "Corrections":
        """Return these on top of earlier ones."""
        return Corrections(
            document_type=self.document_type or earlier.document_type,
            fields={**earlier.fields, **self.fields},
        )
