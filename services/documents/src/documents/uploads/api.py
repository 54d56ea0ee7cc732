"""Uploads over HTTP."""

from typing import Any

from common.errors import Forbidden, Unauthorized, Unavailable, problems
from common.idempotency import KEY_REFUSALS, IdempotentRoute, idempotent
from fastapi import APIRouter, Depends, Response

from documents.resources import Form, FormOfMany, Uploads, Writer
from documents.schemas import DocumentOut
from documents.tools.errors import BackendUnavailable, LanguageUnavailable
from documents.uploads.errors import (
    AccountClosed,
    DuplicateDocument,
    EmptyFile,
    FileTooLarge,
    FormExpected,
    FormTooLarge,
    MalformedForm,
    QuotaExceeded,
    UnsupportedType,
)
from documents.uploads.fields import SHARED_FIELDS, FormFields
from documents.uploads.schemas import UploadedOut, show

router = APIRouter(
    prefix="/api/v1",
    responses=problems(Unauthorized, Forbidden, AccountClosed, Unavailable),
    route_class=IdempotentRoute,
)

_BINARY = {"type": "string", "contentMediaType": "application/octet-stream"}
_FIELDS: dict[str, Any] = FormFields.model_json_schema()["properties"]


def _form(files: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """Describe a form: FastAPI cannot, as it does not parse it."""
    schema = {"type": "object", "required": list(files), "properties": {**files, **fields}}
    content = {"multipart/form-data": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


_UPLOAD_BODY = _form({"file": _BINARY}, _FIELDS)
_MULTIPLE_BODY = _form(
    {"files": {"type": "array", "items": _BINARY, "minItems": 1, "maxItems": 10}},
    {name: field for name, field in _FIELDS.items() if name in SHARED_FIELDS},
)
_UPLOAD_PROBLEMS = problems(
    *(EmptyFile, MalformedForm, DuplicateDocument, FileTooLarge, QuotaExceeded),
    *(UnsupportedType, FormExpected, BackendUnavailable, LanguageUnavailable),
    *KEY_REFUSALS,
)


@router.post(
    "/documents",
    status_code=201,
    tags=["documents"],
    dependencies=[Depends(idempotent)],
    openapi_extra=_UPLOAD_BODY,
    responses=_UPLOAD_PROBLEMS,
)
@router.post(
    "/documents/upload",
    status_code=201,
    dependencies=[Depends(idempotent)],
    include_in_schema=False,
    openapi_extra=_UPLOAD_BODY,
)
async def upload(user: Writer, form: Form, uploads: Uploads, response: Response) -> DocumentOut:
    """Store a file and queue it for reading: PDF, JPEG, PNG, TIFF or WebP, by its content."""
    document = await uploads.upload(user.id, form)
    response.headers["Location"] = f"/api/v1/documents/{document.id}"
    return DocumentOut.model_validate(document)


@router.post(
    "/documents/upload/multiple",
    status_code=201,
    tags=["documents"],
    dependencies=[Depends(idempotent)],
    openapi_extra=_MULTIPLE_BODY,
    response_model=list[DocumentOut],
    responses={
        207: {"description": "Some were not kept, or none.", "model": UploadedOut},
        **problems(
            *(MalformedForm, FormTooLarge, QuotaExceeded, FormExpected),
            *(BackendUnavailable, LanguageUnavailable),
            *KEY_REFUSALS,
        ),
    },
)
async def upload_multiple(user: Writer, form: FormOfMany, uploads: Uploads) -> Response:
    """Store up to ten files and queue each for reading; what cannot be kept fails alone.

    What is said in the other fields is said of each file.
    """
    return show(await uploads.upload_all(user.id, form))
