"""What goes over the wire."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from documents.chunked.layout import MAX_CHUNK_BYTES, MIN_CHUNK_BYTES
from documents.uploads.fields import AnnouncedFile
from documents.uploads.models import UploadStatus


class ChunkedFile(AnnouncedFile):
    """A file that comes in chunks."""

    chunk_size: int | None = Field(
        default=None,
        ge=MIN_CHUNK_BYTES,
        le=MAX_CHUNK_BYTES,
        description="In bytes, of each chunk but the last; left out, the server chooses.",
    )


class ChunkedUploadOut(BaseModel):
    """How a file is to be sent."""

    upload_id: UUID
    chunk_size: int
    total_chunks: int
    expires_at: datetime


class ChunkOut(BaseModel):
    """A chunk that is stored."""

    upload_id: UUID
    number: int
    size: int


class ChunkedStateOut(ChunkedUploadOut):
    """How far an upload is."""

    status: UploadStatus
    filename: str
    file_size: int
    received_chunks: int
    missing: list[int] = Field(description="The first thousand numbers that have not come yet.")
    document_id: UUID | None = Field(description="What it has become, once it is completed.")
