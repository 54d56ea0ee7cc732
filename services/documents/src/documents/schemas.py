"""What goes over the wire."""

from datetime import datetime
from typing import Any
from uuid import UUID

from contracts import Failure
from pydantic import BaseModel, ConfigDict, Field


class DocumentOut(BaseModel):
    """A document as its owner sees it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    user_id: UUID
    title: str
    description: str
    status: str
    filename: str
    file_size: int
    mime_type: str
    file_hash: str
    page_count: int | None
    language: str | None
    document_type: str | None
    category_id: UUID | None
    supplier_id: UUID | None
    tags: list[str]
    metadata: dict[str, Any] = Field(validation_alias="custom")
    job_id: UUID
    progress: int
    error: Failure | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class TextOut(BaseModel):
    """The text of the pages that have been read so far, in their order."""

    document_id: UUID
    text: str
    pages: int
