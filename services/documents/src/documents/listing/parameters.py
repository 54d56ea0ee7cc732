"""What a client may say in the query of a list or of a feed; anything else is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from common.pagination import PageNumber, PageRequest, PageSize
from fastapi import Depends, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from documents.listing.cursor import Cursor
from documents.listing.errors import invalid_query
from documents.listing.fields import shown_status, tags
from documents.listing.filters import parse_filters
from documents.listing.operators import Condition
from documents.listing.sorting import Order, parse_sort
from documents.listing.values import Id, Moment, StatusWord, Text
from documents.models import Document

_FILTERS = """JSON. Operators are `eq ne gt gte lt lte contains startswith endswith in not_in
between is_null`, conditions nest with `and`, `or` and `not`, and a bare value means `eq`."""


def _separated(values: object) -> object:
    """Read `a,b` as two values, as well as a parameter that is repeated."""
    if not isinstance(values, list):
        return values
    return [word for value in values for word in str(value).split(",")]


class _Wanted(BaseModel):
    """Which documents are asked for: those that fit everything that is said."""

    model_config = ConfigDict(extra="forbid")

    status: Annotated[list[StatusWord], BeforeValidator(_separated)] = Field(
        default=[], description="One of these, separated by commas."
    )
    document_type: Text | None = None
    category_id: Id | None = None
    supplier_id: Id | None = None
    search: Text | None = Field(
        default=None, description="A part of the title, the description or the filename."
    )
    tags: Annotated[list[Text], BeforeValidator(_separated)] = Field(
        default=[], description="All of these, separated by commas."
    )
    created_after: Moment | None = Field(default=None, description="At this time or later.")
    created_before: Moment | None = Field(default=None, description="Earlier than this time.")
    deleted: bool = Field(default=False, description="Those in the trash instead of the others.")
    filters: str | None = Field(
        default=None,
        description=_FILTERS,
        examples=['{"file_size":{"gte":1000000},"tags":{"in":["a"]}}'],
    )

    def conditions(self) -> list[Condition]:
        """Return what must hold of the documents."""
        in_sight = Document.deleted_at.is_(None)
        conditions: list[Condition] = [sa.not_(in_sight) if self.deleted else in_sight]
        for column, value in (
            (Document.document_type, self.document_type),
            (Document.category_id, self.category_id),
            (Document.supplier_id, self.supplier_id),
        ):
            if value is not None:
                conditions.append(column == value)
        if self.status:
            conditions.append(shown_status.in_(self.status))
        if self.tags:
            conditions.append(tags.contains(self.tags))
        if self.search is not None:
            columns = (Document.title, Document.description, Document.filename)
            found = (column.icontains(self.search, autoescape=True) for column in columns)
            conditions.append(sa.or_(*found))
        if self.created_after is not None:
            conditions.append(Document.created_at >= self.created_after)
        if self.created_before is not None:
            conditions.append(Document.created_at < self.created_before)
        if self.filters is not None:
            conditions.append(parse_filters(self.filters))
        return conditions


class _ListParameters(_Wanted):
    """The parameters of a list in pages."""

    sort: str = Field(
        default="-created_at",
        description="Fields, separated by commas; `-` turns one round.",
        examples=["title,-created_at"],
    )
    page: PageNumber = 1
    page_size: PageSize = 20


class _FeedParameters(_Wanted):
    """The parameters of a feed."""

    cursor: str | None = Field(default=None, description="`next_cursor` of the answer before.")
    limit: PageSize = 20


@dataclass(frozen=True)
class ListRequest:
    """A page of the documents that are wanted, in some order."""

    conditions: Sequence[Condition]
    order: Order
    page: PageRequest


@dataclass(frozen=True)
class FeedRequest:
    """The documents that are wanted, newest first, from some place on."""

    conditions: Sequence[Condition]
    after: Cursor | None
    limit: int


def _list_request(query: Annotated[_ListParameters, Query()]) -> ListRequest:
    page = PageRequest(query.page, query.page_size)
    return ListRequest(query.conditions(), parse_sort(query.sort), page)


def _feed_request(query: Annotated[_FeedParameters, Query()]) -> FeedRequest:
    try:
        after = None if query.cursor is None else Cursor.decode(query.cursor)
    except (ValueError, OverflowError, RecursionError) as error:
        raise invalid_query(("cursor",), "This is no cursor of this feed", "cursor") from error
    return FeedRequest(query.conditions(), after, query.limit)


ListQuery = Annotated[ListRequest, Depends(_list_request)]
FeedQuery = Annotated[FeedRequest, Depends(_feed_request)]
