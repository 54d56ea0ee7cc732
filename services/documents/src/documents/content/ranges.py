"""Which bytes of a file a client wants (RFC 9110, sections 14.1.2 and 14.2)."""

import re
from dataclasses import dataclass
from itertools import pairwise

from documents.content.errors import RangeNotSatisfiable

MOST = 10
_MAX_CHARS = 1000  # 10 ranges with all their digits need fewer
_SPEC = re.compile(r"[ \t]*(?:([0-9]+)-([0-9]*)|-([0-9]+))?[ \t]*")


@dataclass(frozen=True, order=True)
class ByteRange:
    """A run of bytes, the last one included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """How many bytes that are."""
        return self.last - self.first + 1

    def of(self, size: int) -> str:
        """Return the value of `Content-Range`."""
        return f"bytes {self.first}-{self.last}/{size}"


def wanted(field: str, size: int) -> list[ByteRange]:
    """Return the ranges that a `Range` field asks for; none means the whole file.

    What RFC 9110 leaves open: a field that is malformed, of another unit, with more than ten
    ranges or with ranges that overlap is ignored. So nobody gets more bytes for one request than
    the file has. Ranges come in the order in which they were asked for, without those that lie
    behind the end; raises `RangeNotSatisfiable` if all do.
    """
    unit, _, ranges = field.partition("=")
    if unit.lower() != "bytes" or len(field) > _MAX_CHARS:
        return []
    specs = [_SPEC.fullmatch(spec) for spec in ranges.split(",")]
    asked = [spec.groups() for spec in specs if spec and spec[0].strip(" \t")]
    invalid = any(last and int(last) < int(first) for first, last, _ in asked)
    if None in specs or invalid or not 1 <= len(asked) <= MOST:
        return []
    found = [part for spec in asked if (part := _resolve(*spec, size=size)) is not None]
    if not found:
        raise RangeNotSatisfiable(size)
    in_order = sorted(found)
    if any(after.first <= before.last for before, after in pairwise(in_order)):
        return []
    return found


def _resolve(
    first: str | None, last: str | None, suffix: str | None, *, size: int
) -> ByteRange | None:
    """Return the bytes of the file that are meant, if there are any."""
    if suffix is not None:
        start, end = max(0, size - int(suffix)), size - 1
    else:
        start, end = int(first or 0), min(int(last), size - 1) if last else size - 1
    return ByteRange(start, end) if start <= end else None
