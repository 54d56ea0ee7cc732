"""What requests need, and how an endpoint asks for it by type."""

from dataclasses import dataclass
from typing import Annotated

from common.database import Session, Sessions
from common.security import TokenVerifier, User, require
from common.storage import Storage
from contracts import Permission
from fastapi import Depends, Request

from documents.jobs.service import JobService
from documents.service import DocumentService
from documents.uploads.errors import FileTooLarge
from documents.uploads.form import UploadForm
from documents.uploads.service import UploadService

_FORM_OVERHEAD = 128 << 10


@dataclass(frozen=True)
class Resources:
    """What the api process holds open."""

    sessions: Sessions
    storage: Storage
    tokens: TokenVerifier
    max_file_bytes: int


def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


Process = Annotated[Resources, Depends(_resources)]


def _documents(process: Process, session: Session) -> DocumentService:
    return DocumentService(session, process.storage)


def _uploads(process: Process, session: Session) -> UploadService:
    return UploadService(session, process.storage, max_file_bytes=process.max_file_bytes)


def _jobs(session: Session) -> JobService:
    return JobService(session)


def _form(request: Request, process: Process) -> UploadForm:
    """Refuse by the announced length before a byte of the body is read."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > process.max_file_bytes + _FORM_OVERHEAD:
        raise FileTooLarge(f"At most {process.max_file_bytes} bytes are accepted.")
    return UploadForm(request)


Reader = Annotated[User, Depends(require(Permission.DOCUMENTS_READ))]
Writer = Annotated[User, Depends(require(Permission.DOCUMENTS_WRITE))]
Documents = Annotated[DocumentService, Depends(_documents)]
Uploads = Annotated[UploadService, Depends(_uploads)]
Jobs = Annotated[JobService, Depends(_jobs)]
Form = Annotated[UploadForm, Depends(_form)]
