"""Each process is told what it needs and nothing else."""

from pathlib import Path

import pytest
from native.credentials import Credentials
from native.daemon import Daemon
from native.profile import find_profile
from native.services import MIGRATIONS, services

CREDENTIALS = Credentials()


@pytest.fixture(scope="module")
def daemons() -> dict[str, Daemon]:
    return {daemon.name: daemon for daemon in services(find_profile("test"), CREDENTIALS)}


def secrets_of(daemon: Daemon) -> set[str]:
    told = " ".join(daemon.env.values())
    return {name for name, value in vars(CREDENTIALS).items() if value in told}


S3 = {"s3_access_key", "s3_secret_key"}
KEYS = {"key_encryption_key", "link_sealing_key"}
AUTH = {"auth_database_password"} | S3 | KEYS


@pytest.mark.parametrize(
    ("name", "secrets"),
    [
        ("auth-api", AUTH | {"redis_password"}),
        ("auth-worker", AUTH | {"rabbitmq_password"}),
        (
            "documents-api",
            {"documents_database_password", "rabbitmq_password", "password_sealing_key"} | S3,
        ),
        ("documents-worker", {"documents_database_password", "rabbitmq_password"} | S3),
        ("notifier-api", {"redis_password"}),
        (
            "notifier-worker",
            {"notifier_database_password", "redis_password", "rabbitmq_password"}
            | {"link_sealing_key"},
        ),
        ("ocr-worker", {"rabbitmq_password", "password_sealing_key"} | S3),
        ("gateway", {"redis_password"}),
    ],
)
def test_a_process_knows_only_its_own_secrets(
    daemons: dict[str, Daemon], name: str, secrets: set[str]
) -> None:
    assert secrets_of(daemons[name]) == secrets


def test_the_table_names_every_process(daemons: dict[str, Daemon]) -> None:
    assert set(daemons) == {
        "auth-api",
        "auth-worker",
        "documents-api",
        "documents-worker",
        "notifier-api",
        "notifier-worker",
        "ocr-worker",
        "gateway",
    }


def test_a_process_waits_for_the_migrations_of_its_service(daemons: dict[str, Daemon]) -> None:
    for migration in MIGRATIONS:
        of_it = [daemon for name, daemon in daemons.items() if name.startswith(migration.module)]
        assert of_it
        assert all(f"{migration.module}-migrate" in daemon.needs for daemon in of_it)


def test_clients_reach_the_storage_where_documents_sends_them(
    daemons: dict[str, Daemon],
) -> None:
    told = {name for name, each in daemons.items() if "QUIRE_S3_PUBLIC_ENDPOINT" in each.env}
    env = daemons["documents-api"].env

    assert told == {"documents-api"}, "only it gives URLs to clients"
    assert env["QUIRE_S3_PUBLIC_ENDPOINT"] == env["QUIRE_S3_ENDPOINT"]


def test_no_secret_stands_on_a_command_line(daemons: dict[str, Daemon]) -> None:
    words = {word for daemon in daemons.values() for word in daemon.command()}

    assert words.isdisjoint(vars(CREDENTIALS).values())
    assert all(Path(daemon.command()[0]).is_file() for daemon in daemons.values())
