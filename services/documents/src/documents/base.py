"""What all tables of the documents service have in common."""

from datetime import UTC, datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from common.database import naming
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase

SOURCE = "documents"
"""The source of every event that this service records."""


class Base(DeclarativeBase):
    """The documents service's own tables."""

    metadata = sa.MetaData(naming_convention=naming)
    type_annotation_map: ClassVar = {
        datetime: sa.DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[str]: sa.ARRAY(sa.Text),
        str: sa.Text,
    }


def now() -> datetime:
    """Return the current time, in UTC as everywhere."""
    return datetime.now(UTC)
