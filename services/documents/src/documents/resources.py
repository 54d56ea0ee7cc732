"""What requests need, and how an endpoint asks for it by type."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from common.asking import Asker
from common.database import Session, Sessions
from common.errors import Forbidden
from common.security import TokenVerifier, User, require
from common.storage import Storage
from contracts import Permission
from cryptography.fernet import Fernet
from fastapi import Depends, Query, Request
from pydantic import BaseModel

from documents.bulk import BulkService
from documents.catalogue.models import Category, Supplier, Tag
from documents.catalogue.nouns import CATEGORY, SUPPLIER, TAG
from documents.catalogue.service import CatalogueService
from documents.chunked.body import ChunkBody
from documents.chunked.service import ChunkedUploadService
from documents.conditions import Conditions
from documents.content.service import ContentService
from documents.content.wish import Wish
from documents.direct.service import DirectUploadService
from documents.exports.service import ExportService
from documents.jobs.batches import BatchService
from documents.jobs.results import ResultService
from documents.jobs.service import JobService
from documents.listing.service import ListingService
from documents.pictures.service import PictureService
from documents.search.service import SearchService
from documents.service import DocumentService
from documents.tools.fields import PageFields, SearchFields, ToolFields
from documents.tools.offers import Offers
from documents.tools.service import ToolService
from documents.tus.service import TusService
from documents.uploads.errors import FileTooLarge, FormTooLarge
from documents.uploads.fields import SHARED_FIELDS, FormFields
from documents.uploads.form import UploadForm
from documents.uploads.limits import UploadLimits
from documents.uploads.service import UploadService

_FORM_OVERHEAD = 128 << 10
_MAX_FILES = 10


@dataclass(frozen=True)
class Resources:
    """What the api process holds open."""

    sessions: Sessions
    storage: Storage
    tokens: TokenVerifier
    limits: UploadLimits
    seal: Fernet
    """Hides the passwords of documents."""
    asker: Asker
    offers: Offers


def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


Process = Annotated[Resources, Depends(_resources)]


def _documents(process: Process, session: Session) -> DocumentService:
    return DocumentService(session, process.storage)


def _bulk(session: Session, documents: "Documents", jobs: "Jobs") -> BulkService:
    return BulkService(session, documents, jobs)


def _whose(
    user: "Reader",
    user_id: Annotated[
        UUID | None, Query(description="Somebody else's, with `users:read`.")
    ] = None,
) -> UUID:
    """Return whose documents are asked about: one's own, or anybody's with the permission."""
    if user_id not in (None, user.id) and Permission.USERS_READ not in user.permissions:
        raise Forbidden(Permission.USERS_READ)
    return user_id or user.id


def _content(process: Process, session: Session) -> ContentService:
    return ContentService(session, process.storage)


def _exports(process: Process, session: Session) -> ExportService:
    return ExportService(session, process.storage)


def _uploads(process: Process, session: Session) -> UploadService:
    return UploadService(
        session,
        process.sessions,
        process.storage,
        process.limits,
        seal=process.seal,
        offers=process.offers,
    )


def _chunked_uploads(process: Process, session: Session) -> ChunkedUploadService:
    return ChunkedUploadService(session, process.sessions, process.storage, process.limits)


def _direct_uploads(process: Process, session: Session) -> DirectUploadService:
    return DirectUploadService(session, process.sessions, process.storage, process.limits)


def _tus(process: Process) -> TusService:
    return TusService(process.sessions, process.storage, process.limits)


def _jobs(process: Process, session: Session) -> JobService:
    return JobService(session, seal=process.seal, offers=process.offers)


def _results(process: Process) -> ResultService:
    return ResultService(process.sessions, process.storage)


def _batches(session: Session, jobs: "Jobs") -> BatchService:
    return BatchService(session, jobs)


def _tools(process: Process) -> ToolService:
    return ToolService(process.storage, process.asker, process.limits, process.seal)


def _offers(process: Process) -> Offers:
    return process.offers


def _pictures(process: Process, session: Session) -> PictureService:
    return PictureService(session, process.storage, process.asker)


def _categories(session: Session) -> CatalogueService[Category]:
    return CatalogueService(session, CATEGORY)


def _suppliers(session: Session) -> CatalogueService[Supplier]:
    return CatalogueService(session, SUPPLIER)


def _tags(session: Session) -> CatalogueService[Tag]:
    return CatalogueService(session, TAG)


def _listing(session: Session) -> ListingService:
    return ListingService(session)


def _search(process: Process) -> SearchService:
    return SearchService(process.sessions, process.storage)


def _form(fields: type[BaseModel]) -> Callable[[Request, Resources], UploadForm]:
    """Refuse by the announced length before a byte of the body is read."""

    def form(request: Request, process: Process) -> UploadForm:
        max_bytes = process.limits.max_file_bytes
        if _announced(request) > max_bytes + _FORM_OVERHEAD:
            raise FileTooLarge(f"At most {max_bytes} bytes are accepted.")
        return UploadForm(
            request,
            files=("file",),
            max_files=1,
            fields=fields.model_fields,
            max_bytes=max_bytes + _FORM_OVERHEAD,
        )

    return form


def _form_of_many(request: Request, process: Process) -> UploadForm:
    """Refuse by the announced length, as above; which file is too large shows while it comes."""
    max_bytes = _MAX_FILES * process.limits.max_file_bytes + _FORM_OVERHEAD
    if _announced(request) > max_bytes:
        raise FormTooLarge(f"At most {max_bytes} bytes are accepted.")
    return UploadForm(
        request,
        files=("files", "files[]"),
        max_files=_MAX_FILES,
        fields=SHARED_FIELDS,
        max_bytes=max_bytes,
    )


def _announced(request: Request) -> int:
    length = request.headers.get("content-length", "0")
    return int(length) if length.isdecimal() else 0


Reader = Annotated[User, Depends(require(Permission.DOCUMENTS_READ))]
Writer = Annotated[User, Depends(require(Permission.DOCUMENTS_WRITE))]
OcrRunner = Annotated[User, Depends(require(Permission.OCR_RUN))]
Documents = Annotated[DocumentService, Depends(_documents)]
Categories = Annotated[CatalogueService[Category], Depends(_categories)]
Suppliers = Annotated[CatalogueService[Supplier], Depends(_suppliers)]
Tags = Annotated[CatalogueService[Tag], Depends(_tags)]
Listing = Annotated[ListingService, Depends(_listing)]
Uploads = Annotated[UploadService, Depends(_uploads)]
ChunkedUploads = Annotated[ChunkedUploadService, Depends(_chunked_uploads)]
DirectUploads = Annotated[DirectUploadService, Depends(_direct_uploads)]
Tus = Annotated[TusService, Depends(_tus)]
Jobs = Annotated[JobService, Depends(_jobs)]
Results = Annotated[ResultService, Depends(_results)]
Batches = Annotated[BatchService, Depends(_batches)]
Search = Annotated[SearchService, Depends(_search)]
Exports = Annotated[ExportService, Depends(_exports)]
Content = Annotated[ContentService, Depends(_content)]
Tools = Annotated[ToolService, Depends(_tools)]
Offered = Annotated[Offers, Depends(_offers)]
Pictures = Annotated[PictureService, Depends(_pictures)]
Bulk = Annotated[BulkService, Depends(_bulk)]
Whose = Annotated[UUID, Depends(_whose)]
FileWish = Annotated[Wish, Depends(Wish.of)]
RequestConditions = Annotated[Conditions, Depends(Conditions.of)]
Form = Annotated[UploadForm, Depends(_form(FormFields))]
ToolForm = Annotated[UploadForm, Depends(_form(ToolFields))]
SearchForm = Annotated[UploadForm, Depends(_form(SearchFields))]
PageForm = Annotated[UploadForm, Depends(_form(PageFields))]
FormOfMany = Annotated[UploadForm, Depends(_form_of_many)]
Chunk = Annotated[ChunkBody, Depends(ChunkBody.of)]
