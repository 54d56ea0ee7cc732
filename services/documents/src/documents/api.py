"""The HTTP interface: parse by type, authorise by type, call."""

from uuid import UUID

from common.errors import Forbidden, Unauthorized, Unavailable, problems
from common.pagination import Page, Paging
from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from documents.disposition import attachment
from documents.errors import DocumentNotFound
from documents.jobs.schemas import PageOut
from documents.resources import Documents, Reader, Writer
from documents.schemas import DocumentOut, TextOut

router = APIRouter(prefix="/api/v1", responses=problems(Unauthorized, Forbidden, Unavailable))


@router.get("/documents", tags=["documents"])
async def list_documents(user: Reader, paging: Paging, documents: Documents) -> Page[DocumentOut]:
    """List your documents, newest first."""
    found, total = await documents.list(user.id, paging)
    items = [DocumentOut.model_validate(document) for document in found]
    return Page.of(items, total=total, request=paging)


@router.get("/documents/{document_id}", tags=["documents"], responses=problems(DocumentNotFound))
async def get_document(document_id: UUID, user: Reader, documents: Documents) -> DocumentOut:
    """Show one of your documents."""
    return DocumentOut.model_validate(await documents.get(user.id, document_id))


@router.delete(
    "/documents/{document_id}",
    status_code=204,
    tags=["documents"],
    responses=problems(DocumentNotFound),
)
async def delete_document(document_id: UUID, user: Writer, documents: Documents) -> None:
    """Delete one of your documents; reading it stops."""
    await documents.delete(user.id, document_id)


@router.get(
    "/documents/{document_id}/download",
    tags=["documents"],
    response_class=StreamingResponse,
    responses=problems(DocumentNotFound),
)
async def download(document_id: UUID, user: Reader, documents: Documents) -> StreamingResponse:
    """Download the original file, byte for byte."""
    document, content = await documents.content(user.id, document_id)
    headers = {
        "Content-Length": str(document.file_size),
        "Content-Disposition": attachment(document.filename),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "ETag": f'"{document.file_hash}"',
    }
    return StreamingResponse(content, media_type=document.mime_type, headers=headers)


@router.get(
    "/documents/{document_id}/text", tags=["documents"], responses=problems(DocumentNotFound)
)
async def get_text(document_id: UUID, user: Reader, documents: Documents) -> TextOut:
    """Return the text of the pages that have been read so far."""
    document, text, pages = await documents.text(user.id, document_id)
    return TextOut(document_id=document.id, text=text, pages=pages)


@router.get(
    "/documents/{document_id}/pages", tags=["documents"], responses=problems(DocumentNotFound)
)
async def list_pages(document_id: UUID, user: Reader, documents: Documents) -> list[PageOut]:
    """List the pages that have been reported so far, and where their text came from."""
    pages = await documents.pages(user.id, document_id)
    return [PageOut.model_validate(page) for page in pages]
