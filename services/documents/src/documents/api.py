"""The HTTP interface: parse by type, authorise by type, call."""

from typing import Any
from uuid import UUID

from common.errors import Forbidden, Unauthorized, Unavailable, problems
from common.pagination import Page, Paging
from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from documents.disposition import attachment
from documents.errors import (
    DocumentNotFound,
    DuplicateDocument,
    EmptyFile,
    FileTooLarge,
    FormExpected,
    JobNotFound,
    MalformedForm,
    UnsupportedType,
)
from documents.resources import Documents, Form, Reader, Writer
from documents.schemas import DocumentOut, JobOut, PageOut, TextOut
from documents.upload_form import UploadFields

router = APIRouter(prefix="/api/v1", responses=problems(Unauthorized, Forbidden, Unavailable))

_FORM_SCHEMA: dict[str, Any] = UploadFields.model_json_schema()
_UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    **_FORM_SCHEMA,
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "contentMediaType": "application/octet-stream"},
                        **_FORM_SCHEMA["properties"],
                    },
                }
            }
        },
    }
}
_UPLOAD_PROBLEMS = problems(
    EmptyFile, MalformedForm, DuplicateDocument, FileTooLarge, UnsupportedType, FormExpected
)


@router.post(
    "/documents",
    status_code=201,
    tags=["documents"],
    openapi_extra=_UPLOAD_BODY,
    responses=_UPLOAD_PROBLEMS,
)
@router.post(
    "/documents/upload", status_code=201, include_in_schema=False, openapi_extra=_UPLOAD_BODY
)
async def upload(user: Writer, form: Form, documents: Documents, response: Response) -> DocumentOut:
    """Store a file and queue it for reading: PDF, JPEG, PNG, TIFF or WebP, by its content."""
    document = await documents.upload(user.id, form)
    response.headers["Location"] = f"/api/v1/documents/{document.id}"
    return DocumentOut.model_validate(document)


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


@router.get("/ocr/jobs/{job_id}", tags=["ocr"], responses=problems(JobNotFound))
async def get_job(job_id: UUID, user: Reader, documents: Documents) -> JobOut:
    """Show how far the reading of a document is."""
    return JobOut.model_validate(await documents.job(user.id, job_id))
