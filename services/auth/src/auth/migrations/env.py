"""Alembic's entry; `common.migrations` does the work."""

from auth.models import Base
from common.migrations import configure_environment

configure_environment(Base.metadata)
