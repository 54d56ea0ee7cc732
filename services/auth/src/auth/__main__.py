"""`python -m auth api | migrate`."""

from pathlib import Path

from common import cli, migrations
from common.cli import Role

from auth.app import create_api
from auth.settings import ApiSettings, MigrateSettings

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(settings: MigrateSettings) -> None:
    """Bring the database to the newest schema."""
    migrations.upgrade(settings.database_url.get_secret_value(), MIGRATIONS)


if __name__ == "__main__":
    cli.main("auth", api=Role(ApiSettings, create_api), migrate=Role(MigrateSettings, migrate))
