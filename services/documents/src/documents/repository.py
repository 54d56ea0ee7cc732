"""The queries. Whatever a user asks for is looked up together with its owner."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from common.pagination import PageRequest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from documents.errors import DocumentNotFound
from documents.models import Document
from documents.uploads.errors import DuplicateDocument


class DocumentRepository:
    """Finds and keeps documents in one session; never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, document: Document) -> None:
        """Insert a document with its job; raises `DuplicateDocument`."""
        try:
            async with self._session.begin_nested():
                self._session.add(document)
        except IntegrityError as error:
            twin = await self._session.scalar(
                sa.select(Document.id).where(
                    Document.user_id == document.user_id,
                    Document.file_hash == document.file_hash,
                    Document.deleted_at.is_(None),
                )
            )
            if twin is None:
                raise
            raise DuplicateDocument(twin) from error

    async def get(self, document_id: UUID, *, owner_id: UUID) -> Document:
        """Return a document of this owner; raises `DocumentNotFound`."""
        document = await self._session.scalar(
            sa.select(Document)
            .where(
                Document.id == document_id,
                Document.user_id == owner_id,
                Document.deleted_at.is_(None),
            )
            .execution_options(populate_existing=True)
        )
        if document is None:
            raise DocumentNotFound
        return document

    async def get_all(self, document_ids: Sequence[UUID]) -> Sequence[Document]:
        """Return these documents, without those that have been deleted."""
        found = await self._session.scalars(
            sa.select(Document).where(Document.id.in_(document_ids), Document.deleted_at.is_(None))
        )
        return found.all()

    async def list(self, *, owner_id: UUID, page: PageRequest) -> tuple[Sequence[Document], int]:
        """Return one page of an owner's documents, newest first, and how many there are."""
        mine = sa.and_(Document.user_id == owner_id, Document.deleted_at.is_(None))
        total = await self._session.scalar(
            sa.select(sa.func.count()).select_from(Document).where(mine)
        )
        documents = await self._session.scalars(
            sa.select(Document)
            .where(mine)
            .order_by(Document.created_at.desc(), Document.id.desc())
            .offset(page.offset)
            .limit(page.page_size)
        )
        return documents.all(), total or 0
