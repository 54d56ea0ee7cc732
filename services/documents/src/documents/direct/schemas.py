"""What goes over the wire."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field


class DirectUploadOut(BaseModel):
    """The request with which a client writes a file to the object storage."""

    upload_id: UUID
    url: str
    method: str
    headers: dict[str, str] = Field(
        description="To be sent exactly so; browsers send `Content-Length` by themselves."
    )
    expires_at: datetime = Field(description="Until then the request can begin.")
