"""Lists in pieces: numbered pages, and feeds that are walked from one piece to the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel

T = TypeVar("T")

MAX_PAGE_SIZE = 100

PageNumber = Annotated[int, Query(ge=1, le=1_000_000)]
PageSize = Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)]


@dataclass(frozen=True)
class PageRequest:
    """Which page a client wants, counted from 1."""

    page: int
    page_size: int

    @property
    def offset(self) -> int:
        """How many items come before the page."""
        return (self.page - 1) * self.page_size


class Page(BaseModel, Generic[T]):
    """One page of a list, and how much more there is."""

    items: Sequence[T]
    total: int
    page: int
    page_size: int
    total_pages: int
    has_next: bool
    has_prev: bool

    @classmethod
    def of(cls, items: Sequence[T], *, total: int, request: PageRequest) -> "Page[T]":
        """Make a page out of its items and the length of the whole list."""
        total_pages = -(-total // request.page_size)
        return cls(
            items=items,
            total=total,
            page=request.page,
            page_size=request.page_size,
            total_pages=total_pages,
            has_next=request.page < total_pages,
            has_prev=request.page > 1,
        )


class Feed(BaseModel, Generic[T]):
    """Some items of a feed, and the cursor that leads to the next ones if there are more."""

    items: Sequence[T]
    next_cursor: str | None
    has_more: bool

    @classmethod
    def of(cls, items: Sequence[T], *, next_cursor: str | None) -> "Feed[T]":
        """Make a piece of a feed; without a cursor it is the last one."""
        return cls(items=items, next_cursor=next_cursor, has_more=next_cursor is not None)


def _page_request(page: PageNumber = 1, page_size: PageSize = 20) -> PageRequest:
    return PageRequest(page, page_size)


Paging = Annotated[PageRequest, Depends(_page_request)]
