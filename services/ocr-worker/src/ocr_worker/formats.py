"""Which format a file has, by its first bytes alone."""

from enum import StrEnum
from pathlib import Path

from ocr_worker.errors import DocumentUnsupported

_HEAD_BYTES = 1024


class Format(StrEnum):
    """A format that can be read, named as Pillow names it."""

    PDF = "PDF"
    JPEG = "JPEG"
    PNG = "PNG"
    TIFF = "TIFF"
    WEBP = "WEBP"


def format_of(path: Path) -> Format:
    """Return the format of a file.

    Raises `DocumentUnsupported` for anything else. Readers accept a PDF header anywhere in the
    first kilobyte (ISO 32000-1, annex H.3.4.1), so we do too.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if b"%PDF-" in head:
        return Format.PDF
    if head.startswith(b"\xff\xd8\xff"):
        return Format.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Format.PNG
    if head.startswith((b"II*\x00", b"MM\x00*")):
        return Format.TIFF
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Format.WEBP
    raise DocumentUnsupported
