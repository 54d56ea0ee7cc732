"""Pictures over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from common.asking import NoAnswerInTime, NobodyToAsk, TooManyQuestions, UnreadableAnswer
from common.errors import Forbidden, Unauthorized, Unavailable, problems
from fastapi import APIRouter, Path, Query, Response

from documents.content.errors import RangeNotSatisfiable, RedirectUnavailable
from documents.errors import DocumentNotFound, PreconditionFailed
from documents.pictures.errors import (
    NoPicture,
    NoSearchablePdf,
    NoSuchPage,
    SearchablePdfPending,
)
from documents.pictures.service import MOST_WIDTH
from documents.resources import FileWish, Pictures, Reader, RequestConditions

router = APIRouter(
    prefix="/api/v1/documents", responses=problems(Unauthorized, Forbidden, Unavailable)
)

_BYTES = {"schema": {"type": "string", "format": "binary"}}
_PICTURE: dict[str, Any] = {
    "tags": ["documents"],
    "response_class": Response,
    "responses": {
        200: {"description": "The picture.", "content": {"image/webp": _BYTES}},
        304: {"description": "You have it already."},
        **problems(
            *(DocumentNotFound, NoSuchPage, NoPicture, PreconditionFailed, Unavailable),
            *(NobodyToAsk, TooManyQuestions, NoAnswerInTime, UnreadableAnswer),
        ),
    },
}


@router.head("/{document_id}/pages/{number}/image", include_in_schema=False)
@router.get("/{document_id}/pages/{number}/image", **_PICTURE)
async def get_page_image(
    *,
    document_id: UUID,
    number: Annotated[int, Path(ge=1, le=1_000_000)],
    width: Annotated[
        int,
        Query(ge=1, le=MOST_WIDTH, description="In pixels; rounded up to a multiple of 200."),
    ] = 1_200,
    user: Reader,
    pictures: Pictures,
    conditions: RequestConditions,
) -> Response:
    """Show a page as it looks. A page that is a picture itself is not enlarged."""
    return await pictures.page(user.id, document_id, number, width, conditions)


@router.head("/{document_id}/thumbnail", include_in_schema=False)
@router.get("/{document_id}/thumbnail", **_PICTURE)
async def get_thumbnail(
    document_id: UUID, user: Reader, pictures: Pictures, conditions: RequestConditions
) -> Response:
    """Show the first page, 400 pixels wide or high."""
    return await pictures.thumbnail(user.id, document_id, conditions)


@router.head("/{document_id}/searchable.pdf", include_in_schema=False)
@router.get(
    "/{document_id}/searchable.pdf",
    tags=["documents"],
    response_class=Response,
    responses={
        200: {"description": "The file.", "content": {"application/pdf": _BYTES}},
        206: {"description": "The ranges that were asked for, ten at most."},
        304: {"description": "You have it already."},
        307: {"description": "Where the file can be fetched, for a minute."},
        **problems(
            *(DocumentNotFound, NoSearchablePdf, SearchablePdfPending, RedirectUnavailable),
            *(PreconditionFailed, RangeNotSatisfiable),
        ),
    },
)
async def get_searchable_pdf(
    document_id: UUID, user: Reader, pictures: Pictures, wish: FileWish
) -> Response:
    """Save the document as a PDF whose text can be searched and copied.

    Its pages look as they did. A PDF in which nothing had to be recognised is sent as it is.
    """
    return await pictures.searchable(user.id, document_id, wish)
