"""What requests need, and how an endpoint asks for it by type."""

from dataclasses import dataclass
from typing import Annotated

from common.database import Session, Sessions
from common.security import TokenVerifier, User, require
from common.storage import Storage
from contracts import Permission
from fastapi import Depends, Request

from documents.errors import FileTooLarge
from documents.service import DocumentService
from documents.upload_form import UploadForm

_FORM_OVERHEAD = 128 << 10


@dataclass(frozen=True)
class Resources:
    """What the api process holds open."""

    sessions: Sessions
    storage: Storage
    tokens: TokenVerifier
    max_file_bytes: int


async def _documents(request: Request, session: Session) -> DocumentService:
    resources: Resources = request.app.state.resources
    return DocumentService(session, resources.storage, max_file_bytes=resources.max_file_bytes)


async def _form(request: Request) -> UploadForm:
    """Refuse by the announced length before a byte of the body is read."""
    resources: Resources = request.app.state.resources
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > resources.max_file_bytes + _FORM_OVERHEAD:
        raise FileTooLarge(f"At most {resources.max_file_bytes} bytes are accepted.")
    return UploadForm(request)


Reader = Annotated[User, Depends(require(Permission.DOCUMENTS_READ))]
Writer = Annotated[User, Depends(require(Permission.DOCUMENTS_WRITE))]
Documents = Annotated[DocumentService, Depends(_documents)]
Form = Annotated[UploadForm, Depends(_form)]
