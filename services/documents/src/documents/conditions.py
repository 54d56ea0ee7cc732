"""Conditional requests (RFC 9110, section 13): what a client knows, or believes to be so."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from starlette.requests import Request

from documents.errors import PreconditionFailed
from documents.etags import EntityTag, TagList


@dataclass(frozen=True)
class Conditions:
    """The conditions of one request, in the order in which they count (section 13.2.2)."""

    reads: bool = False
    if_match: str | None = None
    if_unmodified_since: datetime | None = None
    if_none_match: str | None = None
    if_modified_since: datetime | None = None

    @classmethod
    def of(cls, request: Request) -> "Conditions":
        """Read the conditions of a request; a date that is none does not count."""
        return cls(
            reads=request.method in ("GET", "HEAD"),
            if_match=_whole_field(request, "if-match"),
            if_unmodified_since=parse_date(request.headers.get("if-unmodified-since")),
            if_none_match=_whole_field(request, "if-none-match"),
            if_modified_since=parse_date(request.headers.get("if-modified-since")),
        )

    def check(self, etag: EntityTag, modified: datetime | None = None) -> None:
        """Raise `PreconditionFailed` unless the resource is in a state that the client accepts."""
        if self.if_match is not None:
            if not TagList.parse(self.if_match).has_strong(etag):
                raise PreconditionFailed("If-Match does not name the current ETag.")
        elif modified and self.if_unmodified_since and modified > self.if_unmodified_since:
            raise PreconditionFailed("It was modified after the date of If-Unmodified-Since.")
        if not self.reads and self.is_known(etag):
            raise PreconditionFailed("If-None-Match names the current ETag.")

    def is_known(self, etag: EntityTag, modified: datetime | None = None) -> bool:
        """Tell whether the client has the resource in its current state: 304 to a reader."""
        if self.if_none_match is not None:
            return TagList.parse(self.if_none_match).has_weak(etag)
        if modified and self.if_modified_since and self.reads:
            return modified <= self.if_modified_since
        return False


NO_CONDITIONS = Conditions()


def parse_date(field: str | None) -> datetime | None:
    """Return the moment that a header field names, in any of the formats of HTTP, or None."""
    try:
        moment = parsedate_to_datetime(field or "")
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _whole_field(request: Request, name: str) -> str | None:
    """Join the lines of a list: one field may be sent as several (RFC 9110, section 5.3)."""
    lines = request.headers.getlist(name)
    return ", ".join(lines) if lines else None
