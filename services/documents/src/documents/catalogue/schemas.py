"""What categories, suppliers and tags look like over the wire."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from documents.catalogue.models import Category, Supplier, Tag
from documents.fields import Description, Input, Word

Color = Annotated[
    str, Field(pattern=r"^(#[0-9a-fA-F]{6})?$", description="Like `#1a2b3c`, or empty.")
]


class _Out(BaseModel):
    """What every entry shows."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    document_count: int = 0
    """Of the documents in sight, not of those in the trash."""
    created_at: datetime

    @classmethod
    def of(cls, entry: Category | Supplier | Tag, document_count: int = 0) -> Self:
        """Show an entry with the number of its documents."""
        return cls.model_validate(entry).model_copy(update={"document_count": document_count})


class CategoryOut(_Out):
    """What kind of document it is, in the words of its owner."""

    description: str


class SupplierOut(_Out):
    """Whom documents come from."""

    description: str


class TagOut(_Out):
    """A word that documents are marked with."""

    color: str


class NewEntry(Input):
    """A category or a supplier that somebody wants."""

    name: Word
    description: Description = ""


class NewTag(Input):
    """A tag that somebody wants."""

    name: Word
    color: Color = ""


class _Change(Input):
    """What changes about an entry; what is left out stays."""

    def given(self) -> dict[str, str]:
        """Return what was sent."""
        return self.model_dump(exclude_unset=True)


class EntryChange(_Change):
    """What changes about a category or a supplier; what is left out stays."""

    name: Word = Field(default_factory=str)
    description: Description = ""


class TagChange(_Change):
    """What changes about a tag; what is left out stays."""

    name: Word = Field(default_factory=str)
    color: Color = ""
