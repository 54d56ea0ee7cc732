"""`python -m auth api | worker | migrate | create-admin | rotate-keys`."""

from pathlib import Path
from typing import Any

from common import cli, migrations
from common.cli import Argument, Role

from auth import commands
from auth.app import create_api, create_worker
from auth.settings import (
    AdminSettings,
    ApiSettings,
    KeySettings,
    MigrateSettings,
    WorkerSettings,
)

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(settings: MigrateSettings) -> None:
    """Bring the database to the newest schema."""
    migrations.upgrade(settings.database_url.get_secret_value(), MIGRATIONS)


ROLES: dict[str, Role[Any]] = {
    "api": Role(ApiSettings, create_api),
    "worker": Role(WorkerSettings, create_worker),
    "migrate": Role(MigrateSettings, migrate),
    "create-admin": Role(
        AdminSettings,
        commands.create_admin,
        arguments=(
            Argument("--email", required=True, help="the address, which counts as verified"),
            Argument("--username", required=True),
        ),
    ),
    "rotate-keys": Role(
        KeySettings,
        commands.rotate_keys,
        arguments=(
            Argument(
                "--compromised",
                action="store_true",
                help="the present keys are in wrong hands: refuse their tokens at once",
            ),
        ),
    ),
}

if __name__ == "__main__":
    cli.main("auth", **ROLES)
