"""Uploads over HTTP."""

from typing import Any

from common.errors import Forbidden, Unauthorized, Unavailable, problems
from fastapi import APIRouter, Response

from documents.resources import Form, Uploads, Writer
from documents.schemas import DocumentOut
from documents.uploads.errors import (
    DuplicateDocument,
    EmptyFile,
    FileTooLarge,
    FormExpected,
    MalformedForm,
    QuotaExceeded,
    UnsupportedType,
)
from documents.uploads.fields import UploadFields

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
    *(EmptyFile, MalformedForm, DuplicateDocument, FileTooLarge, QuotaExceeded),
    *(UnsupportedType, FormExpected),
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
async def upload(user: Writer, form: Form, uploads: Uploads, response: Response) -> DocumentOut:
    """Store a file and queue it for reading: PDF, JPEG, PNG, TIFF or WebP, by its content."""
    document = await uploads.upload(user.id, form)
    response.headers["Location"] = f"/api/v1/documents/{document.id}"
    return DocumentOut.model_validate(document)
