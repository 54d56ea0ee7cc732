"""The settings of the notifier service."""

from email.message import EmailMessage
from typing import Literal

from common.sealing import FernetKey
from common.settings import (
    BrokerSettings,
    CommonSettings,
    DatabaseSettings,
    EnvironmentSettings,
    ProcessSettings,
    RedisSettings,
    TokenSettings,
)
from pydantic import AnyHttpUrl, SecretStr, field_validator


class MigrateSettings(CommonSettings, DatabaseSettings):
    """What `migrate` needs: a migration job gets no other secret."""


class ApiSettings(ProcessSettings, RedisSettings, TokenSettings):
    """What the api process needs; it never talks to the broker."""

    auth_seconds: float = 10.0
    """How long a socket may stay open before its first message has said who is there."""
    ticket_socket_seconds: float = 900.0
    """How long a socket that a ticket opened lives: a ticket itself is over in seconds."""
    socket_queue_bytes: int = 1 << 20
    socket_queue_seconds: float = 10.0
    """How far behind a slow reader may fall, in bytes and in time, before it is closed."""


class SmtpSettings(EnvironmentSettings):
    """The server that mails are handed to, and whom they are from."""

    smtp_host: str
    smtp_port: int = 587
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_tls: Literal["none", "starttls", "tls"] = "starttls"
    """`none` is for a server on the same machine or network: mails hold links with secrets."""
    smtp_seconds: float = 15.0
    """How long the server may take for each answer."""
    mail_from: str
    """An address, with or without a name: `Quire <noreply@example.org>`."""

    @field_validator("mail_from")
    @classmethod
    def _is_one_address(cls, value: str) -> str:
        message = EmailMessage()
        message["From"] = value
        addresses = message["From"].addresses
        if len(addresses) != 1 or not addresses[0].username or not addresses[0].domain:
            raise ValueError("must be one address, such as `Quire <noreply@example.org>`")
        return value


class LinkSettings(EnvironmentSettings):
    """What the links in mails are made of."""

    public_url: AnyHttpUrl
    """Where users reach the suite: the gateway as they see it."""
    link_sealing_key: FernetKey
    """A Fernet key, the same as auth's: it seals the secrets of links, and here they are opened."""


class WorkerSettings(
    ProcessSettings, DatabaseSettings, RedisSettings, BrokerSettings, SmtpSettings, LinkSettings
):
    """What the worker process needs."""

    prefetch: int = 50
    mail_prefetch: int = 8
    """How many mails are sent at the same time; each holds a connection to the database."""
