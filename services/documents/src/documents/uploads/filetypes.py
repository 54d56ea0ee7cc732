"""What a file is, by its first bytes and never by its name or by what the client claims."""

SNIFF_BYTES = 1024


def sniff(head: bytes) -> str | None:
    """Return the media type of a readable format, or None.

    `head` is the file's first `SNIFF_BYTES`. Readers accept a PDF header anywhere in them
    (ISO 32000-1, annex H.3.4.1), so we do too.
    """
    if b"%PDF-" in head[:SNIFF_BYTES]:
        return "application/pdf"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith((b"II*\x00", b"MM\x00*")):
        return "image/tiff"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return None
