"""What requests need, and how an endpoint asks for it by type."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from common.database import Session, Sessions
from common.errors import Forbidden
from common.security import TokenVerifier, User, require
from common.storage import Storage
from contracts import Permission
from fastapi import Depends, Query, Request

from documents.bulk import BulkService
from documents.catalogue.models import Category, Supplier, Tag
from documents.catalogue.nouns import CATEGORY, SUPPLIER, TAG
from documents.catalogue.service import CatalogueService
from documents.conditions import Conditions
from documents.content.service import ContentService
from documents.content.wish import Wish
from documents.jobs.service import JobService
from documents.listing.service import ListingService
from documents.search.service import SearchService
from documents.service import DocumentService
from documents.uploads.errors import FileTooLarge
from documents.uploads.form import UploadForm
from documents.uploads.limits import UploadLimits
from documents.uploads.service import UploadService

_FORM_OVERHEAD = 128 << 10


@dataclass(frozen=True)
class Resources:
    """What the api process holds open."""

    sessions: Sessions
    storage: Storage
    tokens: TokenVerifier
    limits: UploadLimits


def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


Process = Annotated[Resources, Depends(_resources)]


def _documents(process: Process, session: Session) -> DocumentService:
    return DocumentService(session, process.storage)


def _bulk(session: Session, documents: "Documents") -> BulkService:
    return BulkService(session, documents)


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


def _uploads(process: Process, session: Session) -> UploadService:
    return UploadService(session, process.sessions, process.storage, process.limits)


def _jobs(session: Session) -> JobService:
    return JobService(session)


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


def _form(request: Request, process: Process) -> UploadForm:
    """Refuse by the announced length before a byte of the body is read."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > process.limits.max_file_bytes + _FORM_OVERHEAD:
        raise FileTooLarge(f"At most {process.limits.max_file_bytes} bytes are accepted.")
    return UploadForm(request)


Reader = Annotated[User, Depends(require(Permission.DOCUMENTS_READ))]
Writer = Annotated[User, Depends(require(Permission.DOCUMENTS_WRITE))]
Documents = Annotated[DocumentService, Depends(_documents)]
Categories = Annotated[CatalogueService[Category], Depends(_categories)]
Suppliers = Annotated[CatalogueService[Supplier], Depends(_suppliers)]
Tags = Annotated[CatalogueService[Tag], Depends(_tags)]
Listing = Annotated[ListingService, Depends(_listing)]
Uploads = Annotated[UploadService, Depends(_uploads)]
Jobs = Annotated[JobService, Depends(_jobs)]
Search = Annotated[SearchService, Depends(_search)]
Content = Annotated[ContentService, Depends(_content)]
Bulk = Annotated[BulkService, Depends(_bulk)]
Whose = Annotated[UUID, Depends(_whose)]
FileWish = Annotated[Wish, Depends(Wish.of)]
RequestConditions = Annotated[Conditions, Depends(Conditions.of)]
Form = Annotated[UploadForm, Depends(_form)]
