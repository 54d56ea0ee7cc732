"""Searching over HTTP."""

from uuid import UUID

from common.errors import Forbidden, Unauthorized, Unavailable, problems
from common.pagination import Paging
from fastapi import APIRouter

from documents.resources import Reader, Search
from documents.search.errors import SearchTooBroad
from documents.search.schemas import Language, SearchPage, Text

router = APIRouter(prefix="/api/v1", responses=problems(Unauthorized, Forbidden, Unavailable))


@router.get("/search", tags=["search"], responses=problems(SearchTooBroad))
async def search(
    *,
    q: Text,
    user: Reader,
    paging: Paging,
    searching: Search,
    language: Language = None,
    document_id: UUID | None = None,
) -> SearchPage:
    """Search the titles and pages of your documents, the best hits first.

    Everything must be on the same page, or in what you say of the document. A page is found as
    soon as it has been read, in whatever form of the word its language knows, with or without
    accents.
    """
    return await searching.search(user.id, q, paging, language=language, document_id=document_id)
