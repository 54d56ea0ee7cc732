"""How much may come in."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class UploadLimits:
    """Sizes are in bytes; a quota that is None is unlimited."""

    max_file_bytes: int
    """Of a file that comes with one request."""
    max_resumable_bytes: int
    """Of a file that comes with several."""
    upload_lifetime: timedelta
    """How long an unfinished upload is kept."""
    quota_documents: int | None
    quota_bytes: int | None
