"""The settings of the documents service."""

from datetime import timedelta

from common.sealing import FernetKey
from common.settings import (
    BrokerSettings,
    CommonSettings,
    DatabaseSettings,
    EnvironmentSettings,
    ProcessSettings,
    StorageSettings,
    TokenSettings,
)
from pydantic import Field

from documents.uploads.limits import UploadLimits


class MigrateSettings(CommonSettings, DatabaseSettings):
    """What `migrate` needs: a migration job gets no other secret."""


class UploadSettings(EnvironmentSettings):
    """How much may come in; what is None is unlimited."""

    max_file_bytes: int = Field(default=50 << 20, gt=0)
    """Of a file that comes with one request."""
    max_resumable_bytes: int = Field(default=5 << 30, gt=0)
    """Of a file that comes with several."""
    upload_hours: int = Field(default=24, gt=0)
    """How long an unfinished upload is kept."""
    quota_documents: int | None = Field(default=None, ge=0)
    """How many documents each user may store, those in the trash and uploads included."""
    quota_bytes: int | None = Field(default=None, ge=0)

    @property
    def upload_limits(self) -> UploadLimits:
        """The same, as the use cases take it."""
        return UploadLimits(
            max_file_bytes=self.max_file_bytes,
            max_resumable_bytes=self.max_resumable_bytes,
            upload_lifetime=timedelta(hours=self.upload_hours),
            quota_documents=self.quota_documents,
            quota_bytes=self.quota_bytes,
        )


class ApiSettings(
    ProcessSettings,
    DatabaseSettings,
    BrokerSettings,
    StorageSettings,
    TokenSettings,
    UploadSettings,
):
    """What the api process needs; the broker for questions to the workers, and nothing else."""

    password_sealing_key: FernetKey
    """The same as the workers': under it the passwords of documents travel to them."""


class WorkerSettings(
    ProcessSettings, DatabaseSettings, BrokerSettings, StorageSettings, UploadSettings
):
    """What the worker process needs."""

    prefetch: int = 10
    trash_days: int = Field(default=30, ge=0)
    """How long what was deleted can be restored."""
    silent_seconds: float = Field(default=300, gt=0)
    """After how long without a word from a worker what it was asked for is asked for again."""
