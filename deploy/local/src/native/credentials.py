"""The random secrets of a profile: made once, kept in a file that only its owner can read."""

import base64
import secrets
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from native.errors import SecretsLost


def _random() -> str:
    return secrets.token_hex(24)


def _random_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


@dataclass(frozen=True)
class Credentials:
    """Every secret of the stack; in the file their names are in capitals."""

    postgres_password: str = field(default_factory=_random)
    auth_database_password: str = field(default_factory=_random)
    documents_database_password: str = field(default_factory=_random)
    notifier_database_password: str = field(default_factory=_random)
    rabbitmq_password: str = field(default_factory=_random)
    redis_password: str = field(default_factory=_random)
    s3_access_key: str = field(default_factory=_random)
    s3_secret_key: str = field(default_factory=_random)
    key_encryption_key: str = field(default_factory=_random_key)
    link_sealing_key: str = field(default_factory=_random_key)
    password_sealing_key: str = field(default_factory=_random_key)


def load_credentials(file: Path, *, data: Path) -> Credentials:
    """Return the secrets in the file, after adding those that it lacks."""
    if not file.exists() and data.exists() and any(data.iterdir()):
        raise SecretsLost(file, data)
    known = _read(file) if file.exists() else {}
    names = {each.name for each in fields(Credentials)}
    credentials = Credentials(**{name: value for name, value in known.items() if name in names})
    if not names <= known.keys():
        _write(file, credentials)
    return credentials


def _read(file: Path) -> dict[str, str]:
    lines = (line.partition("=") for line in file.read_text().splitlines())
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def _write(file: Path, credentials: Credentials) -> None:
    """Replace the file in one step, so that a crash leaves the old one or the new one."""
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    lines = [f"{name.upper()}={value}\n" for name, value in asdict(credentials).items()]
    new.write_text("".join(lines))
    new.replace(file)
