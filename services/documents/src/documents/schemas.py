"""What goes over the wire."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from common.errors import ProblemDocument
from contracts import Failure
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from documents.fields import (
    Description,
    DocumentType,
    Input,
    Language,
    Metadata,
    Tags,
    Title,
)


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


class DocumentChange(Input):
    """What is to be said about a document from now on.

    What is left out stays; `null` empties what may be empty; a list or an object takes the place
    of the whole one before it.
    """

    title: Title = Field(default_factory=str)
    description: Description | None = None
    document_type: DocumentType | None = None
    category_id: UUID | None = None
    supplier_id: UUID | None = None
    tags: Tags | None = None
    metadata: Metadata | None = None
    language: Language | None = Field(default=None, description="What it is read in next time.")

    def given(self) -> dict[str, object]:
        """Return the fields that were sent, the empty ones as they are stored."""
        empty = {"description": "", "tags": [], "metadata": {}}
        return {
            name: empty.get(name) if value is None else value
            for name, value in self
            if name in self.model_fields_set
        }


class BulkAction(StrEnum):
    """What can be done with many documents at once."""

    TAG = "tag"
    UNTAG = "untag"
    SET_TYPE = "set_type"
    DELETE = "delete"
    RESTORE = "restore"
    REPROCESS = "reprocess"


class BulkRequest(Input):
    """One thing to do with many documents."""

    ids: list[UUID] = Field(min_length=1, max_length=100)
    action: BulkAction
    tags: Tags = Field(
        default_factory=list, validate_default=True, description="For `tag` and `untag`."
    )
    document_type: DocumentType | None = Field(
        default=None, description="For `set_type`; `null` takes the type away."
    )

    @field_validator("tags")
    @classmethod
    def _where_they_belong(cls, tags: list[str], info: ValidationInfo) -> list[str]:
        if "action" in info.data:
            belong = info.data["action"] in (BulkAction.TAG, BulkAction.UNTAG)
            if belong and not tags:
                raise PydanticCustomError("missing", "Name at least one tag")
            if tags and not belong:
                raise PydanticCustomError("extra_forbidden", "This action has no tags")
        return tags

    @model_validator(mode="after")
    def _type_where_it_belongs(self) -> Self:
        if ("document_type" in self.model_fields_set) != (self.action is BulkAction.SET_TYPE):
            raise PydanticCustomError(
                "document_type", "`document_type` goes with `set_type`, and only with that"
            )
        return self


class BulkResult(BaseModel):
    """What has become of one of the documents."""

    id: UUID
    ok: bool
    error: ProblemDocument | None = None


class BulkOut(BaseModel):
    """What has become of each document, in the order of the request."""

    results: list[BulkResult]


class TextOut(BaseModel):
    """The text of the pages that have been read so far, in their order."""

    document_id: UUID
    text: str
    pages: int


class WordOut(BaseModel):
    """A word and where it stands: x0, y0, x1, y1 in page units from the top left corner."""

    text: str
    bbox: tuple[float, float, float, float]
    confidence: float = Field(ge=0, le=1)


class TableOut(BaseModel):
    """A table and where it stands; a row may have fewer cells than there are headers."""

    bbox: tuple[float, float, float, float]
    headers: list[str]
    rows: list[list[str]]


class PageTextOut(BaseModel):
    """What was read on a page. Page units are points (1/72 inch) for PDF, pixels for images."""

    number: int
    width: float
    height: float
    source: str
    backend: str | None = None
    language: str | None = None
    confidence: float = Field(ge=0, le=1)
    text: str
    words: list[WordOut]
    rotation: int = Field(
        default=0, description="Degrees by which it must be turned clockwise to be upright."
    )
    skew: float = Field(default=0, description="Degrees by which its lines then fall.")
    tables: list[TableOut] = []


class StatsOut(BaseModel):
    """How much somebody has stored; what is in the trash does not count."""

    document_count: int
    total_storage_mb: float = Field(description="In units of 2^20 bytes.")
    by_status: dict[str, int]
    by_type: dict[str, int] = Field(description="Those without a type are under an empty name.")
