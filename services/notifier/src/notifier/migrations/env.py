"""Alembic's entry; `common.migrations` does the work."""

from common.migrations import configure_environment
from sqlalchemy import MetaData

configure_environment(MetaData())  # so far all tables are those of the frame
