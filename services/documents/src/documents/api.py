"""The HTTP interface: parse by type, authorise by type, call."""

from typing import Annotated, Any
from uuid import UUID

from common.errors import Forbidden, Unauthorized, Unavailable, problems
from common.idempotency import KEY_REFUSALS, IdempotentRoute, idempotent
from fastapi import APIRouter, Depends, Path, Query, Response

from documents.errors import DocumentNotFound, PageNotFound, PreconditionFailed
from documents.jobs.schemas import PageOut
from documents.representation import show
from documents.resources import Bulk, Documents, Reader, RequestConditions, Whose, Writer
from documents.schemas import (
    BulkOut,
    BulkRequest,
    DocumentChange,
    DocumentOut,
    PageTextOut,
    StatsOut,
    TextOut,
)
from documents.uploads.errors import DuplicateDocument

router = APIRouter(
    prefix="/api/v1",
    responses=problems(Unauthorized, Forbidden, Unavailable),
    route_class=IdempotentRoute,
)

NOT_MODIFIED: dict[str, Any] = {"description": "You have it in its current state already."}


@router.get("/documents/stats", tags=["documents"])  # before the ids, of which it is none
async def get_stats(whose: Whose, documents: Documents) -> StatsOut:
    """Count your documents, by status and by type."""
    return await documents.statistics(whose)


@router.post(
    "/documents/bulk",
    tags=["documents"],
    dependencies=[Depends(idempotent)],
    responses=problems(*KEY_REFUSALS),
)
async def change_many(request: BulkRequest, user: Writer, bulk: Bulk) -> BulkOut:
    """Do one thing with up to a hundred documents; each succeeds or fails on its own."""
    return BulkOut(results=await bulk.apply(user.id, request))


@router.head("/documents/{document_id}", include_in_schema=False)
@router.get(
    "/documents/{document_id}",
    tags=["documents"],
    response_model=DocumentOut,
    responses={304: NOT_MODIFIED, **problems(DocumentNotFound, PreconditionFailed)},
)
async def get_document(
    document_id: UUID, user: Reader, documents: Documents, conditions: RequestConditions
) -> Response:
    """Show one of your documents. Its `ETag` changes with all that is shown."""
    return show(await documents.get(user.id, document_id), conditions)


@router.patch(
    "/documents/{document_id}",
    tags=["documents"],
    response_model=DocumentOut,
    responses=problems(DocumentNotFound, PreconditionFailed),
)
async def update_document(
    document_id: UUID,
    change: DocumentChange,
    user: Writer,
    documents: Documents,
    conditions: RequestConditions,
) -> Response:
    """Change what is said about a document. With `If-Match`, nobody else's change is lost."""
    return show(await documents.update(user.id, document_id, change, conditions))


@router.delete(
    "/documents/{document_id}",
    status_code=204,
    tags=["documents"],
    responses=problems(DocumentNotFound, PreconditionFailed),
)
async def delete_document(
    document_id: UUID,
    user: Writer,
    documents: Documents,
    conditions: RequestConditions,
    *,
    permanent: Annotated[bool, Query(description="For good, from the trash too.")] = False,
) -> None:
    """Move one of your documents to the trash, where it stays for a while; reading it stops."""
    await documents.delete(user.id, document_id, conditions, permanent=permanent)


@router.post(
    "/documents/{document_id}/restore",
    tags=["documents"],
    response_model=DocumentOut,
    responses=problems(DocumentNotFound, DuplicateDocument),
)
async def restore_document(document_id: UUID, user: Writer, documents: Documents) -> Response:
    """Bring a document back from the trash. What had not been read by then stays unread."""
    return show(await documents.restore(user.id, document_id))


@router.get(
    "/documents/{document_id}/text",
    tags=["documents"],
    responses=problems(DocumentNotFound, PageNotFound),
)
async def get_text(document_id: UUID, user: Reader, documents: Documents) -> TextOut:
    """Return the text of the pages that have been read so far."""
    return await documents.text(user.id, document_id)


@router.get(
    "/documents/{document_id}/pages", tags=["documents"], responses=problems(DocumentNotFound)
)
async def list_pages(document_id: UUID, user: Reader, documents: Documents) -> list[PageOut]:
    """List the pages that have been reported so far, and where their text came from."""
    pages = await documents.pages(user.id, document_id)
    return [PageOut.model_validate(page) for page in pages]


@router.get(
    "/documents/{document_id}/pages/{number}",
    tags=["documents"],
    responses=problems(DocumentNotFound, PageNotFound),
)
async def get_page(
    document_id: UUID,
    number: Annotated[int, Path(ge=1, le=1_000_000)],
    user: Reader,
    documents: Documents,
) -> PageTextOut:
    """Return what was read on a page: its text, and every word with its place."""
    return await documents.page(user.id, document_id, number)
