"""Tools over HTTP."""

from typing import Any

from common.asking import NoAnswerInTime, NobodyToAsk, TooManyQuestions, UnreadableAnswer
from common.errors import Forbidden, Unauthorized, Unavailable, problems
from contracts import PdfMatches, PdfPage, PdfTables
from fastapi import APIRouter

from documents.resources import (
    OcrRunner,
    Offered,
    PageForm,
    Reader,
    SearchForm,
    ToolForm,
    Tools,
)
from documents.tools.errors import DocumentDamaged, DocumentEncrypted, NoSuchPage, WrongPassword
from documents.tools.fields import PageFields, SearchFields, ToolFields
from documents.tools.schemas import (
    BackendOut,
    BackendsOut,
    LanguageOut,
    LanguagesOut,
    PdfInfoOut,
)
from documents.uploads.errors import (
    EmptyFile,
    FileTooLarge,
    FormExpected,
    FormTooLarge,
    MalformedForm,
    UnsupportedType,
)

router = APIRouter(
    prefix="/api/v1",
    responses=problems(
        *(Unauthorized, Forbidden, Unavailable),
        *(NobodyToAsk, TooManyQuestions, NoAnswerInTime, UnreadableAnswer),
    ),
)

_PDF_FAILURES: Any = problems(
    *(EmptyFile, FormExpected, MalformedForm, FormTooLarge, FileTooLarge, UnsupportedType),
    *(DocumentDamaged, DocumentEncrypted, WrongPassword),
)


def _form(fields: type[ToolFields]) -> dict[str, Any]:
    """Describe a form: FastAPI cannot, as it does not parse it."""
    schema = fields.model_json_schema()
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    described = {
        "type": "object",
        "required": ["file", *schema.get("required", ())],
        "properties": {"file": file, **schema["properties"]},
    }
    content = {"multipart/form-data": {"schema": described}}
    return {"requestBody": {"required": True, "content": content}}


@router.post("/pdf/info", tags=["pdf"], openapi_extra=_form(ToolFields), responses=_PDF_FAILURES)
async def get_pdf_info(_: OcrRunner, form: ToolForm, tools: Tools) -> PdfInfoOut:
    """Tell what a PDF is: its pages, what it says of itself, whether it has text and tables.

    The file is not stored. That goes for all of `/pdf`, and so do 30 seconds for the answer.
    """
    return await tools.info(form)


@router.post("/pdf/tables", tags=["pdf"], openapi_extra=_form(ToolFields), responses=_PDF_FAILURES)
async def get_pdf_tables(_: OcrRunner, form: ToolForm, tools: Tools) -> PdfTables:
    """Return the tables in the text of a PDF: their headers and rows."""
    return await tools.tables(form)


@router.post(
    "/pdf/search", tags=["pdf"], openapi_extra=_form(SearchFields), responses=_PDF_FAILURES
)
async def search_pdf(_: OcrRunner, form: SearchForm, tools: Tools) -> PdfMatches:
    """Find a text in a PDF, page by page, with what stands around it."""
    return await tools.search(form)


@router.post(
    "/pdf/page",
    tags=["pdf"],
    openapi_extra=_form(PageFields),
    responses={
        **_PDF_FAILURES,
        **problems(DocumentDamaged, DocumentEncrypted, WrongPassword, NoSuchPage),
    },
)
async def get_pdf_page(_: OcrRunner, form: PageForm, tools: Tools) -> PdfPage:
    """Return what is stored on one page of a PDF: text, tables, pictures, and its size."""
    return await tools.page(form)


@router.get("/ocr/backends", tags=["ocr"])
async def list_backends(_: Reader, offers: Offered) -> BackendsOut:
    """Tell what can recognise pages here, and what cannot and why."""
    offer = await offers.get()
    backends = [BackendOut(**each.model_dump()) for each in offer.backends]
    return BackendsOut(default=offer.default_backend, backends=backends)


@router.get("/ocr/languages", tags=["ocr"])
async def list_languages(_: Reader, offers: Offered) -> LanguagesOut:
    """List the languages in which pages can be recognised here."""
    offer = await offers.get()
    languages = [LanguageOut(**each.model_dump()) for each in offer.languages]
    return LanguagesOut(languages=languages)
