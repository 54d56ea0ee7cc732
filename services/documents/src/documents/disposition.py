"""File names on their way out (RFC 6266, RFC 8187)."""

import re
from urllib.parse import quote

_UNSAFE = re.compile(r'[^\x20-\x7e]|["\\%]')


def attachment(filename: str) -> str:
    """Return a `Content-Disposition` that saves under this name, whatever is in it."""
    return _disposition("attachment", filename)


def inline(filename: str) -> str:
    """Return a `Content-Disposition` that shows the file, and saves it under this name."""
    return _disposition("inline", filename)


def _disposition(kind: str, filename: str) -> str:
    """Name the file twice, for two kinds of clients.

    Old ones read `filename`, in which everything but plain ASCII becomes `_`; the others read
    `filename*`, which carries the name whole.
    """
    plain = _UNSAFE.sub("_", filename)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
