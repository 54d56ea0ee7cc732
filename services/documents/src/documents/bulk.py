"""One thing done with many documents: each on its own, all in one transaction."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from uuid import UUID

from common.errors import Problem, problem_document
from sqlalchemy.ext.asyncio import AsyncSession

from documents.catalogue.service import remember_tags
from documents.errors import TooManyTags
from documents.fields import MAX_TAGS
from documents.jobs.models import Urgency
from documents.jobs.schemas import ReadingRequest
from documents.jobs.service import JobService
from documents.repository import DocumentRepository
from documents.schemas import BulkAction, BulkRequest, BulkResult
from documents.service import DocumentService, Revision

Verb = Callable[[UUID, UUID], Awaitable[object]]
"""What is done with one document: `(owner_id, document_id)`."""


class BulkService:
    """Does with many documents what can be done with one; what fails, fails alone."""

    def __init__(self, session: AsyncSession, documents: DocumentService, jobs: JobService) -> None:
        self._session = session
        self._jobs = jobs
        self._documents = documents
        self._repository = DocumentRepository(session)

    async def apply(self, owner_id: UUID, request: BulkRequest) -> list[BulkResult]:
        """Return what has become of each document, in the order in which they were named."""
        verb = await self._verb(owner_id, request)
        await self._repository.lock_jobs(request.ids, owner_id=owner_id)
        results = {
            document_id: await self._one(verb, owner_id, document_id)
            for document_id in sorted(set(request.ids))  # so that two cannot lock crosswise
        }
        return [results[document_id] for document_id in dict.fromkeys(request.ids)]

    async def _one(self, verb: Verb, owner_id: UUID, document_id: UUID) -> BulkResult:
        try:
            async with self._session.begin_nested():
                await verb(owner_id, document_id)
        except Problem as problem:
            error = problem_document(problem, instance=f"/api/v1/documents/{document_id}")
            return BulkResult(id=document_id, ok=False, error=error)
        return BulkResult(id=document_id, ok=True)

    async def _verb(self, owner_id: UUID, request: BulkRequest) -> Verb:
        match request.action:
            case BulkAction.TAG:
                names = await remember_tags(self._session, owner_id, request.tags)
                return self._revising(lambda document: {"tags": _with(names, document.tags)})
            case BulkAction.UNTAG:
                tags = request.tags
                return self._revising(lambda document: {"tags": _without(tags, document.tags)})
            case BulkAction.SET_TYPE:
                return self._revising(lambda _: {"document_type": request.document_type})
            case BulkAction.DELETE:
                return self._documents.delete
            case BulkAction.RESTORE:
                return self._documents.restore
            case BulkAction.REPROCESS:
                return partial(self._jobs.process, wish=ReadingRequest(), urgency=Urgency.LATER)

    def _revising(self, revision: Revision) -> Verb:
        return partial(self._documents.revise, revision=revision)


def _with(names: Sequence[str], tags: Sequence[str]) -> list[str]:
    together = [*tags, *(name for name in names if name not in tags)]
    if len(together) > MAX_TAGS:
        raise TooManyTags(f"At most {MAX_TAGS} are kept.")
    return together


def _without(names: Sequence[str], tags: Sequence[str]) -> list[str]:
    unwanted = {name.lower() for name in names}
    return [tag for tag in tags if tag.lower() not in unwanted]
