"""The settings of the auth service."""

import os

from common.settings import CommonSettings, DatabaseSettings, ProcessSettings, TokenSettings
from cryptography.fernet import Fernet
from pydantic import Field, SecretStr, field_validator


class MigrateSettings(CommonSettings, DatabaseSettings):
    """What `migrate` needs: a migration job gets no other secret."""


class ApiSettings(ProcessSettings, DatabaseSettings, TokenSettings):
    """What the api process needs."""

    key_encryption_key: SecretStr
    """A Fernet key: the private signing keys lie in the database encrypted with it."""
    access_token_seconds: int = Field(default=15 * 60, gt=0)
    session_seconds: int = Field(default=30 * 24 * 3600, gt=0)
    """How long a session lasts at most, however often it is refreshed."""

    hashing_threads: int = Field(default_factory=lambda: os.cpu_count() or 1, gt=0)
    argon2_memory_kib: int = Field(default=64 << 10, ge=8)
    argon2_rounds: int = Field(default=2, ge=1)
    """The cost of guessing a password: about 0.1 s and 64 MiB each on a small server."""

    @field_validator("key_encryption_key")
    @classmethod
    def _is_a_fernet_key(cls, value: SecretStr) -> SecretStr:
        try:
            Fernet(value.get_secret_value())
        except ValueError as error:
            raise ValueError("must be a Fernet key: 32 bytes in URL-safe base64") from error
        return value
