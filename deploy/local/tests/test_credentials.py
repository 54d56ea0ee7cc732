"""Secrets are made once, are only their owner's to read, and are never made anew over old data."""

import base64
import stat
from pathlib import Path

import pytest
from native.credentials import Credentials, load_credentials
from native.errors import SecretsLost


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "secrets.env"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_they_are_made_once(file: Path, data: Path) -> None:
    made = load_credentials(file, data=data)

    assert load_credentials(file, data=data) == made
    assert made != Credentials()


def test_only_the_owner_can_read_them(file: Path, data: Path) -> None:
    load_credentials(file, data=data)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_new_secret_joins_the_old_ones(file: Path, data: Path) -> None:
    file.write_text("REDIS_PASSWORD=old\nFORGOTTEN=1\n")
    first = load_credentials(file, data=data)

    assert first.redis_password == "old"
    assert load_credentials(file, data=data) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_data_without_its_secrets_is_not_given_others(file: Path, data: Path) -> None:
    (data / "postgres").mkdir(parents=True)
    with pytest.raises(SecretsLost, match="begin anew"):
        load_credentials(file, data=data)


@pytest.mark.parametrize("name", ["key_encryption_key", "link_sealing_key", "password_sealing_key"])
def test_a_key_is_32_bytes(name: str) -> None:
    assert len(base64.urlsafe_b64decode(vars(Credentials())[name])) == 32
