"""Alembic's entry; `common.migrations` does the work."""

from common.migrations import configure_environment
from documents import app  # noqa: F401 - with it come the models of every noun
from documents.base import Base

configure_environment(Base.metadata)
