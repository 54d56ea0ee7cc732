"""Alembic's entry; `common.migrations` does the work."""

from common.migrations import configure_environment
from documents.models import Base

configure_environment(Base.metadata)
