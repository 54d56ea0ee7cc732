"""Where a feed goes on: after the last document that was shown."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self
from uuid import UUID


@dataclass(frozen=True)
class Cursor:
    """A document's place among all documents, whether or not it is still there."""

    created_at: datetime
    id: UUID

    def encode(self) -> str:
        """Return the cursor as clients hand it back."""
        created_at = self.created_at.astimezone(UTC).isoformat()
        data = json.dumps([created_at, str(self.id)], separators=(",", ":"))
        return base64.urlsafe_b64encode(data.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Self:
        """Return what `encode` made a text of; raises `ValueError` for every other text."""
        padding = "=" * (-len(text) % 4)
        data = json.loads(base64.urlsafe_b64decode(text + padding))
        match data:
            case [str(created_at), str(document_id)]:
                cursor = cls(datetime.fromisoformat(created_at), UUID(document_id))
                if cursor.created_at.tzinfo is not None and cursor.encode() == text:
                    return cursor
        raise ValueError("not a cursor")
