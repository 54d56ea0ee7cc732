"""What all tables of the auth service have in common."""

from datetime import UTC, datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from common.database import naming
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase

SOURCE = "auth"
"""The source of every event that this service records."""


class Base(DeclarativeBase):
    """The auth service's own tables."""

    metadata = sa.MetaData(naming_convention=naming)
    type_annotation_map: ClassVar = {
        datetime: sa.DateTime(timezone=True),
        dict[str, Any]: JSONB,
        str: sa.Text,
    }


def now() -> datetime:
    """Return the current time, in UTC as everywhere."""
    return datetime.now(UTC)
