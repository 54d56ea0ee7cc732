"""The processes of the suite: what runs, where it listens, and what it is told.

Each gets the settings that it needs and nothing else.
"""

import http.client
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from native.credentials import Credentials
from native.daemon import Daemon
from native.ports import LOOPBACK
from native.profile import Profile
from native.servers.postgres import database_url
from native.servers.rabbitmq import USER

Env = dict[str, str]
MakeEnv = Callable[["Settings"], Env]


@dataclass(frozen=True)
class Settings:
    """The settings that processes are made of."""

    profile: Profile
    credentials: Credentials

    def auth_database(self) -> Env:
        """Return where the auth service keeps its rows."""
        password = self.credentials.auth_database_password
        return {"QUIRE_DATABASE_URL": database_url(self.profile, "auth", password)}

    def documents_database(self) -> Env:
        """Return where the documents service keeps its rows."""
        password = self.credentials.documents_database_password
        return {"QUIRE_DATABASE_URL": database_url(self.profile, "documents", password)}

    def notifier_database(self) -> Env:
        """Return where the notifier service keeps its rows."""
        password = self.credentials.notifier_database_password
        return {"QUIRE_DATABASE_URL": database_url(self.profile, "notifier", password)}

    def broker(self) -> Env:
        """Return the way to RabbitMQ."""
        address = f"{LOOPBACK}:{self.profile.port('rabbitmq')}"
        return {"QUIRE_AMQP_URL": f"amqp://{USER}:{self.credentials.rabbitmq_password}@{address}/"}

    def redis(self) -> Env:
        """Return the way to Redis."""
        address = f"{LOOPBACK}:{self.profile.port('redis')}"
        return {"QUIRE_REDIS_URL": f"redis://:{self.credentials.redis_password}@{address}/0"}

    def storage(self, bucket: str) -> Env:
        """Return the way to an S3 bucket."""
        return {
            "QUIRE_S3_ENDPOINT": self.http("s3"),
            "QUIRE_S3_ACCESS_KEY": self.credentials.s3_access_key,
            "QUIRE_S3_SECRET_KEY": self.credentials.s3_secret_key,
            "QUIRE_S3_BUCKET": bucket,
        }

    def public_storage(self) -> Env:
        """Return where clients reach the S3 server themselves: here that is no other place."""
        return {"QUIRE_S3_PUBLIC_ENDPOINT": self.http("s3")}

    def tokens(self) -> Env:
        """Return where the keys are that tokens are checked with."""
        return {"QUIRE_JWKS_URL": f"{self.http('auth-api')}/.well-known/jwks.json"}

    def key_encryption(self) -> Env:
        """Return the key that the auth service's own keys are encrypted with."""
        return {"QUIRE_KEY_ENCRYPTION_KEY": self.credentials.key_encryption_key}

    def link_sealing(self) -> Env:
        """Return the key under which the secrets of links travel from auth to the mails."""
        return {"QUIRE_LINK_SEALING_KEY": self.credentials.link_sealing_key}

    def password_sealing(self) -> Env:
        """Return the key under which documents' passwords travel to the workers."""
        return {"QUIRE_PASSWORD_SEALING_KEY": self.credentials.password_sealing_key}

    def auth(self) -> Env:
        """Return what both processes of the auth service keep and know."""
        keys = self.key_encryption() | self.link_sealing()
        return self.auth_database() | self.storage("reports") | keys

    def mail(self) -> Env:
        """Return where mails are handed in, and what they and their links say of us."""
        return {
            "QUIRE_SMTP_HOST": LOOPBACK,
            "QUIRE_SMTP_PORT": str(self.profile.port("mail")),
            "QUIRE_SMTP_TLS": "none",
            "QUIRE_MAIL_FROM": "Quire <noreply@quire.example>",
            "QUIRE_PUBLIC_URL": self.http("gateway"),
        }

    def neighbours(self) -> Env:
        """Return where the gateway finds the services."""
        return {
            "QUIRE_AUTH_URL": self.http("auth-api"),
            "QUIRE_DOCUMENTS_URL": self.http("documents-api"),
            "QUIRE_NOTIFIER_URL": self.http("notifier-api"),
        }

    def http(self, name: str) -> str:
        """Return the URL of a process."""
        return f"http://{LOOPBACK}:{self.profile.port(name)}"


@dataclass(frozen=True)
class Process:
    """One row of the table below."""

    name: str
    module: str
    role: str
    env: MakeEnv
    needs: tuple[str, ...] = ()
    ready: str = "/readyz"
    tools: tuple[str, ...] = ()


@dataclass(frozen=True)
class Migration:
    """Brings the database of a service up to date before the service starts."""

    module: str
    env: MakeEnv


MIGRATIONS = (
    Migration("auth", lambda s: s.auth_database()),
    Migration("documents", lambda s: s.documents_database()),
    Migration("notifier", lambda s: s.notifier_database()),
)

PROCESSES = (
    Process(
        name="auth-api",
        module="auth",
        role="api",
        env=lambda s: s.auth() | s.redis(),
        needs=("postgres", "redis", "s3"),
    ),
    Process(
        name="auth-worker",
        module="auth",
        role="worker",
        env=lambda s: s.auth() | s.broker(),
        needs=("postgres", "s3", "rabbitmq"),
    ),
    Process(
        name="documents-api",
        module="documents",
        role="api",
        env=lambda s: (
            s.documents_database()
            | s.broker()
            | s.storage("documents")
            | s.public_storage()
            | s.tokens()
            | s.password_sealing()
        ),
        needs=("postgres", "s3"),
    ),
    Process(
        name="documents-worker",
        module="documents",
        role="worker",
        env=lambda s: s.documents_database() | s.broker() | s.storage("documents"),
        needs=("postgres", "rabbitmq", "s3"),
    ),
    Process(
        name="notifier-api",
        module="notifier",
        role="api",
        env=lambda s: s.redis() | s.tokens(),
        needs=("redis",),
    ),
    Process(
        name="notifier-worker",
        module="notifier",
        role="worker",
        env=lambda s: s.notifier_database() | s.redis() | s.broker() | s.link_sealing() | s.mail(),
        needs=("postgres", "redis", "rabbitmq", "mail"),
    ),
    Process(
        name="ocr-worker",
        module="ocr_worker",
        role="worker",
        env=lambda s: s.broker() | s.storage("documents") | s.password_sealing(),
        needs=("rabbitmq", "s3"),
        tools=("tesseract",),
    ),
    Process(
        name="gateway",
        module="gateway",
        role="api",
        env=lambda s: s.neighbours() | s.redis() | s.tokens(),
        needs=("redis",),
        ready="/health/ready",
    ),
)


def services(profile: Profile, credentials: Credentials) -> list[Daemon]:
    """Describe the suite's processes in a profile."""
    settings = Settings(profile, credentials)
    return [_daemon(process, settings) for process in PROCESSES]


def _daemon(process: Process, settings: Settings) -> Daemon:
    port = settings.profile.port(process.name)
    migrations = tuple(f"{m.module}-migrate" for m in MIGRATIONS if m.module == process.module)
    return Daemon(
        name=process.name,
        command=lambda: [sys.executable, "-m", process.module, process.role],
        env={"QUIRE_HOST": LOOPBACK, "QUIRE_PORT": str(port), **process.env(settings)},
        ports={process.name: port},
        url=settings.http(process.name),
        is_ready=lambda: _answers(port, process.ready),
        needs=process.needs + migrations,
        tools=process.tools,
        port_setting=settings.profile.port_setting if process.name == "gateway" else "",
        stop_seconds=30,
    )


def _answers(port: int, path: str) -> bool:
    try:
        with closing(http.client.HTTPConnection(LOOPBACK, port, timeout=3)) as client:
            client.request("GET", path)
            return client.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
