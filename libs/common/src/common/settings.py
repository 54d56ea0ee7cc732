"""Settings come from the environment, as `QUIRE_…`; a missing one stops the process by name.

A service's own `Settings` inherits the parts that it needs. A secret never has a default.
"""

from pydantic import AnyHttpUrl, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class EnvironmentSettings(BaseSettings):
    """Where all settings come from."""

    model_config = SettingsConfigDict(env_prefix="QUIRE_", frozen=True)


class CommonSettings(EnvironmentSettings):
    """What every command needs, whatever it does."""

    log_level: str = "INFO"
    otlp_endpoint: AnyHttpUrl | None = None
    """Where spans go (OTLP over HTTP); without it they are made and passed on, not exported."""


class ProcessSettings(CommonSettings):
    """What every process needs that stays: it listens, if only for its health."""

    host: str = "127.0.0.1"
    port: int
    shutdown_seconds: float = 25.0
    """How long running work may take to finish after SIGTERM before it is handed back."""


class DatabaseSettings(EnvironmentSettings):
    """The service's own PostgreSQL database."""

    database_url: SecretStr


class BrokerSettings(EnvironmentSettings):
    """RabbitMQ."""

    amqp_url: SecretStr


class RedisSettings(EnvironmentSettings):
    """Redis."""

    redis_url: SecretStr


class StorageSettings(EnvironmentSettings):
    """Any S3 server."""

    s3_endpoint: AnyHttpUrl
    s3_access_key: str
    s3_secret_key: SecretStr
    s3_bucket: str = "documents"
    s3_public_endpoint: AnyHttpUrl | None = None
    """Where clients reach the same server, if they can; URLs that are given to them lead there."""
    s3_attempt_seconds: float = 10.0
    """How long the server may be silent, and how long it may take to accept a part of 8 MiB."""
    s3_patience_seconds: float = 25.0
    """How long a call waits for the server at most, all attempts together."""


class IssuerSettings(EnvironmentSettings):
    """Who signs access tokens, and for whom."""

    token_issuer: str = "quire-auth"
    token_audience: str = "quire"


class TokenSettings(IssuerSettings):
    """What it takes to check access tokens."""

    jwks_url: AnyHttpUrl
