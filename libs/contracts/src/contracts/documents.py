"""Documents: what becomes of a stored file, from its upload until it is gone for good.

A contract changes by a new field with a default, or by a new version beside the old one; the
golden samples in the tests make any other change fail.
"""

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event
from contracts.reading import ReadingTask


class DocumentUploaded(Event, ReadingTask):
    """A file is stored and wants to be read."""

    name: ClassVar[str] = "document.uploaded"

    owner_id: UUID
    file_size: int = Field(ge=0, description="Bytes.")
    read_now: bool = Field(
        default=True,
        description="Whether reading begins with this event; else with an `ocr.requested`.",
    )


class DocumentUpdated(Event):
    """Its owner has said something else about the document."""

    name: ClassVar[str] = "document.updated"

    document_id: UUID
    owner_id: UUID
    changed: tuple[str, ...] = Field(description="The fields that are no longer as they were.")


class DocumentDeleted(Event):
    """Its owner no longer wants to see the document."""

    name: ClassVar[str] = "document.deleted"

    document_id: UUID
    owner_id: UUID


class DocumentRestored(Event):
    """Its owner wants to see the document again after all."""

    name: ClassVar[str] = "document.restored"

    document_id: UUID
    owner_id: UUID


class DocumentPurged(Event):
    """The document is gone for good; what object storage still has of it is to be removed."""

    name: ClassVar[str] = "document.purged"

    document_id: UUID
    owner_id: UUID
    object_key: str
    job_ids: tuple[UUID, ...] = Field(description="Whose results are to go with it.")
