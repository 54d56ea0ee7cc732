"""The settings of the documents service."""

from common.settings import (
    BrokerSettings,
    CommonSettings,
    DatabaseSettings,
    ProcessSettings,
    StorageSettings,
    TokenSettings,
)
from pydantic import Field


class MigrateSettings(CommonSettings, DatabaseSettings):
    """What `migrate` needs: a migration job gets no other secret."""


class ApiSettings(ProcessSettings, DatabaseSettings, StorageSettings, TokenSettings):
    """What the api process needs; it never talks to the broker."""

    max_file_bytes: int = 50 << 20


class WorkerSettings(ProcessSettings, DatabaseSettings, BrokerSettings, StorageSettings):
    """What the worker process needs."""

    prefetch: int = 10
    trash_days: int = Field(default=30, ge=0)
    """How long what was deleted can be restored."""
