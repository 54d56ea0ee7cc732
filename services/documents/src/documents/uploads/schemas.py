"""What goes over the wire when several files come with one request."""

from typing import Self

from common.errors import ProblemDocument, problem_body
from fastapi import Response
from pydantic import BaseModel, TypeAdapter

from documents.schemas import DocumentOut
from documents.uploads.service import RefusedFile, Uploaded

_PATH = "/api/v1/documents/upload/multiple"


class FileErrorOut(BaseModel):
    """A file that was not kept, by its place in the form from 0 on, and why."""

    index: int
    filename: str
    error: ProblemDocument

    @classmethod
    def of(cls, refused: RefusedFile) -> Self:
        """Tell of one file."""
        problem = refused.problem
        body = problem_body(
            status=problem.status,
            slug=problem.slug,
            title=problem.title,
            detail=problem.detail,
            instance=_PATH,
            **problem.members,
        )
        error = ProblemDocument.model_validate(body)
        return cls(index=refused.index, filename=refused.filename, error=error)


class UploadedOut(BaseModel):
    """The files that were kept, and those that were not, each in the order of the form."""

    documents: list[DocumentOut]
    errors: list[FileErrorOut]


_DOCUMENTS = TypeAdapter(list[DocumentOut])


def show(uploaded: Uploaded) -> Response:
    """Answer with all the documents, or with 207 when there is something else to tell."""
    documents = [DocumentOut.model_validate(document) for document in uploaded.documents]
    if not uploaded.refused:
        body = _DOCUMENTS.dump_json(documents)
        return Response(body, 201, media_type="application/json")
    errors = [FileErrorOut.of(refused) for refused in uploaded.refused]
    partly = UploadedOut(documents=documents, errors=errors)
    return Response(partly.model_dump_json(), 207, media_type="application/json")
