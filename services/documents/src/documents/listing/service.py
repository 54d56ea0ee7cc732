"""What can be asked about many documents at once."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from documents.listing.cursor import Cursor
from documents.listing.parameters import FeedRequest, ListRequest
from documents.listing.repository import ListingRepository
from documents.models import Document


class ListingService:
    """The use cases of looking through one's documents."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def list(self, owner_id: UUID, request: ListRequest) -> tuple[Sequence[Document], int]:
        """Return a page of the owner's documents, and how many there are in all."""
        documents = ListingRepository(self._session, owner_id)
        return await documents.page(request), await documents.count(request)

    async def feed(
        self, owner_id: UUID, request: FeedRequest
    ) -> tuple[Sequence[Document], Cursor | None]:
        """Return the next of the owner's documents, and where to go on if there are more."""
        found = await ListingRepository(self._session, owner_id).feed(request)
        shown = found[: request.limit]
        more = len(found) > len(shown)
        return shown, Cursor(shown[-1].created_at, shown[-1].id) if more else None
