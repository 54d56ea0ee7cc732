"""What is asked and answered."""

from typing import Annotated
from uuid import UUID

from common.pagination import Page
from fastapi import Query
from pydantic import BaseModel, Field, StringConstraints

from documents.search.spots import Box

Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]*$"),
    Query(
        description='Words, "phrases", beginnings (`wor*`), `OR`, and `-what` must not be there.',
        examples=['rechnung "haus am see" -entwurf'],
    ),
]
Language = Annotated[
    str | None,
    Query(pattern=r"^[a-zA-Z]{2,3}$", description="Only pages in this language (ISO 639)."),
]


class SearchHit(BaseModel):
    """A page, or a document by what its owner says of it, on which a query is found."""

    document_id: UUID
    title: str
    page: int | None = Field(description="None where title, file name, tags or metadata match.")
    score: float
    snippet: str = Field(description="HTML: escaped, with the words found in `<mark>`.")
    boxes: list[Box] = Field(
        description="Where the words are on the page: x0, y0, x1, y1 in page units."
    )


class SearchPage(Page[SearchHit]):
    """Hits, the best first. No more than the first 1,000 are ranked and counted in `total`."""

    corrected_query: str | None = Field(
        description="What was searched instead, when the query itself found nothing."
    )
