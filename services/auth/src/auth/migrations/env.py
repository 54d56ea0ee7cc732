"""Alembic's entry; `common.migrations` does the work."""

from auth import app  # noqa: F401 - with it come the models of every noun
from auth.base import Base
from common.migrations import configure_environment

configure_environment(Base.metadata)
