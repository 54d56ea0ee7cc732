"""The settings of the auth service."""

import os

from common.denylist import MAX_TOKEN_SECONDS
from common.sealing import FernetKey, fernet
from common.settings import (
    BrokerSettings,
    CommonSettings,
    DatabaseSettings,
    EnvironmentSettings,
    IssuerSettings,
    ProcessSettings,
    RedisSettings,
    StorageSettings,
)
from cryptography.fernet import Fernet
from pydantic import Field

from auth.passwords.policy import PasswordPolicy


class MigrateSettings(CommonSettings, DatabaseSettings):
    """What `migrate` needs: a migration job gets no other secret."""


class VaultSettings(EnvironmentSettings):
    """What opens the secrets in the database."""

    key_encryption_key: FernetKey
    """The private signing keys and the authenticators' secrets lie there encrypted with it."""

    @property
    def vault(self) -> Fernet:
        """What encrypts and decrypts them."""
        return fernet(self.key_encryption_key)


class LinkSettings(EnvironmentSettings):
    """What a mailed link is hidden with on its way to the notifier, which writes the mail."""

    link_sealing_key: FernetKey

    @property
    def seal(self) -> Fernet:
        """What encrypts it."""
        return fernet(self.link_sealing_key)


class PasswordSettings(EnvironmentSettings):
    """What passwords must be like, and what it costs to guess one."""

    password_policy: PasswordPolicy = PasswordPolicy.CLASSIC
    hashing_threads: int = Field(default_factory=lambda: os.cpu_count() or 1, gt=0)
    argon2_memory_kib: int = Field(default=64 << 10, ge=8)
    argon2_rounds: int = Field(default=2, ge=1)
    """About 0.1 s and 64 MiB each on a small server."""


class ApiSettings(
    ProcessSettings,
    DatabaseSettings,
    RedisSettings,
    StorageSettings,
    IssuerSettings,
    VaultSettings,
    LinkSettings,
    PasswordSettings,
):
    """What the api process needs."""

    access_token_seconds: int = Field(default=15 * 60, gt=0, le=MAX_TOKEN_SECONDS)
    session_seconds: int = Field(default=30 * 24 * 3600, gt=0)
    """How long a session lasts at most, however often it is refreshed."""
    session_idle_seconds: int = Field(default=7 * 24 * 3600, gt=0)
    """How long it lasts without being refreshed."""


class WorkerSettings(
    ProcessSettings, DatabaseSettings, BrokerSettings, StorageSettings, VaultSettings, LinkSettings
):
    """What the worker process needs."""

    prefetch: int = 10
    audit_days: int = Field(default=365, gt=0)
    """For how long the audit log remembers."""
    signing_key_days: int = Field(default=90, gt=0)
    """How old a signing key gets before the next one takes over by itself."""


class KeySettings(CommonSettings, DatabaseSettings, VaultSettings):
    """What `rotate-keys` needs."""


class AdminSettings(CommonSettings, DatabaseSettings, PasswordSettings):
    """What `create-admin` needs."""
