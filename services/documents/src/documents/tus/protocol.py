"""The requests of tus 1.0.0, by their headers, and the headers of its answers."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from uuid import UUID

from fastapi import Request

from documents.tus.checksum import ALGORITHMS, Checksum
from documents.tus.errors import (
    VERSION,
    MalformedHeader,
    OffsetStreamExpected,
    UnsupportedExtension,
    UnsupportedVersion,
)
from documents.tus.metadata import read_metadata
from documents.uploads.errors import EmptyFile, UploadNotFound
from documents.uploads.fields import AnnouncedFile
from documents.uploads.models import Upload, UploadStatus

EXTENSIONS = ("creation", "creation-with-upload", "expiration", "checksum", "termination")
OFFSET_STREAM = "application/offset+octet-stream"
_MAX_DIGITS = 18


@dataclass(frozen=True)
class Piece:
    """What one request brings of a file: bytes, from an offset on."""

    offset: int
    length: int | None
    """How many bytes are announced; None if the client does not say."""
    is_checked: bool
    """Whether there is a checksum: the body raises `ChecksumMismatch` at its end."""
    body: AsyncIterator[bytes]

    @classmethod
    def of(cls, request: Request) -> "Piece":
        """Read a PATCH request."""
        _expect_offset_stream(request)
        offset = _number(request, "upload-offset")
        if offset is None:
            raise MalformedHeader("Upload-Offset is missing.")
        return cls._of(request, offset)

    @classmethod
    def first(cls, request: Request) -> "Piece | None":
        """Read what a POST request brings, if anything (Creation With Upload)."""
        if "content-type" not in request.headers and _is_empty(request):
            return None
        if request.headers.get("content-type") != OFFSET_STREAM and _is_empty(request):
            return None
        _expect_offset_stream(request)
        return cls._of(request, 0)

    @classmethod
    def _of(cls, request: Request, offset: int) -> "Piece":
        checksum = _only(request, "upload-checksum")
        body = request.stream()
        return cls(
            offset=offset,
            length=_number(request, "content-length"),
            is_checked=checksum is not None,
            body=body if checksum is None else Checksum.read(checksum).verified(body),
        )


@dataclass(frozen=True)
class Creation:
    """An upload that is to begin."""

    file: AnnouncedFile
    metadata: str
    """As it was sent: the protocol wants it back word for word."""
    first: Piece | None

    @classmethod
    def of(cls, request: Request) -> "Creation":
        """Read a POST request. No document is empty: a length of 0 raises `EmptyFile`."""
        if "upload-concat" in request.headers:
            raise UnsupportedExtension("Uploads are not concatenated here.")
        if "upload-defer-length" in request.headers:
            raise UnsupportedExtension("Say the length at once, by Upload-Length.")
        length = _number(request, "upload-length")
        if length is None:
            raise MalformedHeader("Upload-Length is missing.")
        if length == 0:
            raise EmptyFile
        metadata = _only(request, "upload-metadata") or ""
        return cls(read_metadata(metadata, length=length), metadata, Piece.first(request))


def check_version(request: Request) -> None:
    """Raise `UnsupportedVersion` unless the request speaks this version; OPTIONS need not."""
    if request.method != "OPTIONS" and _only(request, "tus-resumable") != VERSION:
        raise UnsupportedVersion


def upload_id(request: Request) -> UUID:
    """Return the id in the path; what is none is the id of nothing."""
    try:
        return UUID(request.path_params["upload_id"])
    except ValueError:
        raise UploadNotFound from None


def offer(max_bytes: int) -> Mapping[str, str]:
    """Return the headers that tell what is offered."""
    return {
        "Tus-Version": VERSION,
        "Tus-Extension": ",".join(EXTENSIONS),
        "Tus-Max-Size": str(max_bytes),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }


def standing(upload: Upload) -> Mapping[str, str]:
    """Return the headers that tell where an upload stands."""
    headers = {
        "Upload-Offset": str(upload.received),
        "Upload-Expires": format_datetime(upload.expires_at, usegmt=True),
    }
    if upload.status is UploadStatus.COMPLETED:
        headers["X-Document-ID"] = str(upload.id)
    if upload.duplicate_id is not None:
        headers["X-Duplicate-ID"] = str(upload.duplicate_id)
    return headers


def whole_standing(upload: Upload) -> Mapping[str, str]:
    """Return the same with what does not change: the answer to HEAD."""
    metadata = {"Upload-Metadata": upload.upload_metadata} if upload.upload_metadata else {}
    return {
        **standing(upload),
        **metadata,
        "Upload-Length": str(upload.length),
        "Cache-Control": "no-store",
    }


def _only(request: Request, name: str) -> str | None:
    """Return a header that may be there once: of two, others may have read the other one."""
    values = request.headers.getlist(name)
    if len(values) > 1:
        raise MalformedHeader(f"{name.title()} is there more than once.")
    return values[0] if values else None


def _number(request: Request, name: str) -> int | None:
    value = _only(request, name)
    if value is None:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) <= _MAX_DIGITS):
        raise MalformedHeader(f"{name.title()} is not a number of bytes.")
    return int(value)


def _is_empty(request: Request) -> bool:
    headers = request.headers
    return headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers


def _expect_offset_stream(request: Request) -> None:
    if _only(request, "content-type") != OFFSET_STREAM:
        raise OffsetStreamExpected
