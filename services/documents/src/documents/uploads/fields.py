"""What may be said about a file that comes in, whichever way it comes."""

from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field

from documents.fields import Description, DocumentType, Input, Language, Tags, Title

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


def shown_name(raw: str) -> str:
    """Return the name to show for a file: any characters that can be shown, 255 at most."""
    name = "".join(c for c in raw if c.isprintable())
    return name.strip()[:_MAX_NAME_CHARS] or "document"
