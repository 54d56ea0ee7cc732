"""What a client wants of a file: all of it, some of it, or to be sent to where it lies."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Query, Request

from documents.conditions import Conditions, parse_date
from documents.content.ranges import ByteRange, wanted
from documents.etags import EntityTag


@dataclass(frozen=True)
class Wish:
    """A request for a file."""

    method: str
    conditions: Conditions
    range: str | None
    if_range: str | None
    redirect: bool

    @classmethod
    def of(
        cls,
        request: Request,
        *,
        redirect: Annotated[
            bool, Query(description="Answer 307 to a URL that leads to the storage for a minute.")
        ] = False,
    ) -> "Wish":
        """Read the wish from a request. Ranges are for GET alone (RFC 9110, section 14.2)."""
        return cls(
            method=request.method,
            conditions=Conditions.of(request),
            range=request.headers.get("range") if request.method == "GET" else None,
            if_range=request.headers.get("if-range"),
            redirect=redirect,
        )

    def ranges(self, *, size: int, etag: EntityTag, modified: datetime) -> list[ByteRange]:
        """Return the ranges that are wanted; none means the whole file.

        With `If-Range`, the file must be the one that the client has the rest of: the strong ETag
        or the exact date (section 13.1.5). A stored file never changes, so its date is as strong.
        """
        if self.range is None:
            return []
        if self.if_range is not None:
            same = self.if_range == str(etag) or parse_date(self.if_range) == modified
            if not same:
                return []
        return wanted(self.range, size)
