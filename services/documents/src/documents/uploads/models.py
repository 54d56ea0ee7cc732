"""Uploads that take several requests, and the rules of their life."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from documents.base import Base, now
from documents.uploads.errors import DuplicateDocument, UnsupportedType, UploadEnded


class Kind(StrEnum):
    """By which protocol the bytes come."""

    TUS = "tus"
    CHUNKED = "chunked"
    DIRECT = "direct"


class UploadStatus(StrEnum):
    """Where an upload stands.

    `refused` means that its bytes are another document's already, or no readable file.
    """

    OPEN = "open"
    COMPLETED = "completed"
    REFUSED = "refused"


class Upload(Base):
    """A file that is on its way. The document that it becomes has the same id.

    While a request works on it, that request holds a lease: it knows the `fence` and renews
    `leased_until`. Whoever takes a lapsed lease over raises the fence, so that what the former
    holder still tries to write down is refused. A row lock would say the same, but would cost a
    database connection for as long as the bytes take.
    """

    __tablename__ = "uploads"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[UUID] = mapped_column(index=True)
    kind: Mapped[Kind] = mapped_column(
        sa.Enum(Kind, native_enum=False, length=20, values_callable=list)
    )
    status: Mapped[UploadStatus] = mapped_column(
        sa.Enum(UploadStatus, native_enum=False, length=20, values_callable=list),
        default=UploadStatus.OPEN,
    )
    filename: Mapped[str]
    fields: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What is said about the file: `UploadFields` as JSON."""
    upload_metadata: Mapped[str | None]
    """The same as the client has sent it, where the protocol wants it back."""
    length: Mapped[int] = mapped_column(sa.BigInteger)
    """The announced length, in bytes."""
    received: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    """How many bytes are stored for good, from the first on."""
    chunk_size: Mapped[int | None] = mapped_column(sa.BigInteger)
    multipart: Mapped[str | None]
    """The object storage's name for the upload in parts."""
    next_number: Mapped[int] = mapped_column(default=1)
    """The number of the next part: each is used once, so that a late writer disturbs nobody."""
    tail_key: Mapped[str | None]
    """Where the last bytes lie that are too few for a part."""
    fence: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime | None]
    wanted: Mapped[bool] = mapped_column(default=False)
    """Whether somebody waits for the lease, so that its holder should come to an end."""
    duplicate_id: Mapped[UUID | None]
    """The document that has the same bytes already."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)

    def complete(self) -> None:
        """End: its bytes are to be a document."""
        self.ensure_open()
        self.status = UploadStatus.COMPLETED

    def refuse(self, duplicate_id: UUID | None = None) -> None:
        """End: its bytes cannot be a document, or another one has them."""
        self.ensure_open()
        self.status = UploadStatus.REFUSED
        self.duplicate_id = duplicate_id

    def ensure_open(self) -> None:
        """Raise how it has ended, if it has."""
        if self.status is UploadStatus.COMPLETED:
            raise UploadEnded
        if self.duplicate_id is not None:
            raise DuplicateDocument(self.duplicate_id)
        if self.status is UploadStatus.REFUSED:
            raise UnsupportedType("Send a PDF, JPEG, PNG, TIFF or WebP file.")

    @property
    def is_whole(self) -> bool:
        """Whether all its bytes are stored for good, and none of them can be sent again."""
        return self.received == self.length

    @property
    def object_key(self) -> str:
        """Where the file will lie, once it is whole."""
        return f"originals/{self.id}"

    @property
    def folder(self) -> str:
        """Where its pieces lie until then."""
        return f"uploads/{self.id}/"


class UploadPart(Base):
    """A piece of an upload that is stored: a part of its multipart, or a numbered chunk."""

    __tablename__ = "upload_parts"

    upload_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(sa.BigInteger)
    etag: Mapped[str | None]
    key: Mapped[str | None]
    """Where it lies, if it is an object of its own: a new one for each try to send it."""
