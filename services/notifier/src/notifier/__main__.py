"""`python -m notifier api | worker | migrate`."""

from pathlib import Path

from common import cli, migrations
from common.cli import Role

from notifier.app import create_api, create_worker
from notifier.settings import ApiSettings, MigrateSettings, WorkerSettings

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(settings: MigrateSettings) -> None:
    """Bring the database to the newest schema."""
    migrations.upgrade(settings.database_url.get_secret_value(), MIGRATIONS)


if __name__ == "__main__":
    cli.main(
        "notifier",
        api=Role(ApiSettings, create_api),
        worker=Role(WorkerSettings, create_worker),
        migrate=Role(MigrateSettings, migrate),
    )
