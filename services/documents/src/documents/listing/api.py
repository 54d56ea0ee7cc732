"""Lists and feeds over HTTP."""

from common.errors import Forbidden, InvalidInput, Unauthorized, Unavailable, problems
from common.pagination import Feed, Page
from fastapi import APIRouter

from documents.listing.parameters import FeedQuery, ListQuery
from documents.resources import Listing, Reader
from documents.schemas import DocumentOut

router = APIRouter(
    prefix="/api/v1/documents",
    tags=["documents"],
    responses=problems(Unauthorized, Forbidden, InvalidInput, Unavailable),
)


@router.get("")
async def list_documents(user: Reader, query: ListQuery, listing: Listing) -> Page[DocumentOut]:
    """List those of your documents that fit all parameters, newest first unless sorted."""
    found, total = await listing.list(user.id, query)
    items = [DocumentOut.model_validate(document) for document in found]
    return Page.of(items, total=total, request=query.page)


@router.get("/feed")
async def feed_documents(user: Reader, query: FeedQuery, listing: Listing) -> Feed[DocumentOut]:
    """Walk through your documents, newest first: no page is slower than the first.

    None is shown twice or left out because others come or go meanwhile.
    """
    found, after = await listing.feed(user.id, query)
    items = [DocumentOut.model_validate(document) for document in found]
    return Feed.of(items, next_cursor=after.encode() if after else None)
