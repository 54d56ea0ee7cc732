"""What can be done with the file of a document: fetch it."""

from uuid import UUID

from common.storage import Storage
from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from documents.content.files import Disposition, FileAnswer, StoredContent
from documents.content.wish import Wish
from documents.etags import EntityTag
from documents.models import Document
from documents.repository import DocumentRepository


class ContentService:
    """Answers with the bytes of files."""

    def __init__(self, session: AsyncSession, storage: Storage) -> None:
        self._session = session
        self._storage = storage
        self._documents = DocumentRepository(session)

    async def answer(
        self, owner_id: UUID, document_id: UUID, wish: Wish, disposition: Disposition
    ) -> Response:
        """Return what was wished for of the owner's document, under its name."""
        document = await self._documents.get(document_id, owner_id=owner_id)
        await self._session.close()  # the storage may be slow: nobody waits for our connection
        return await FileAnswer(self._storage, original(document), disposition).to(wish)


def original(document: Document) -> StoredContent:
    """Return the file that was uploaded."""
    return StoredContent(
        key=document.object_key,
        filename=document.filename,
        mime_type=document.mime_type,
        size=document.file_size,
        etag=EntityTag(document.file_hash),
        modified=document.created_at.replace(microsecond=0),
        sha256=document.file_hash,
    )
