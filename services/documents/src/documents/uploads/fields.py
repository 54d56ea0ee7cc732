"""What may be said about a file that comes in, whichever way it comes."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, Field

from documents.fields import (
    Backend,
    Description,
    DocumentType,
    Input,
    Language,
    Password,
    Tags,
    Title,
)

_MAX_NAME_CHARS = 255


def _between_commas(tags: object) -> object:
    if not isinstance(tags, str):
        return tags
    return [tag for tag in map(str.strip, tags.split(",")) if tag]


class UploadFields(Input):
    """What may be said about a file besides its bytes."""

    title: Title | None = None
    description: Description = ""
    document_type: DocumentType | None = None
    category_id: UUID | None = None
    tags: Annotated[Tags, BeforeValidator(_between_commas)] = Field(
        default_factory=list, description="Separated by commas, or the field several times."
    )
    language: Language | None = None
    backend: Backend | None = None
    ocr: bool = Field(
        default=True, description="Whether to read it; if not, `POST /ocr/process` does later."
    )


class FormFields(UploadFields):
    """What may be said about a file that comes with the same request.

    A password is not said beforehand: it would have to be kept while the bytes come.
    """

    password: Password | None = None


class AnnouncedFile(UploadFields):
    """A file whose bytes come later, in requests of their own."""

    filename: str = Field(min_length=1, max_length=1000)
    file_size: int = Field(gt=0, description="In bytes.")

    def said(self) -> dict[str, Any]:
        """Return the fields without what every file has, as they are kept until then."""
        return self.model_dump(mode="json", include=set(UploadFields.model_fields))


SHARED_FIELDS = frozenset(FormFields.model_fields) - {"title", "description"}
"""What may be said of several files at once: a title would name all of them alike."""


def shown_name(raw: str) -> str:
    """Return the name to show for a file: any characters that can be shown, 255 at most."""
    name = "".join(c for c in raw if c.isprintable())
    return name.strip()[:_MAX_NAME_CHARS] or "document"
