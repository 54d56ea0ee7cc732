"""`python -m notifier api | worker`."""

from common import cli
from common.cli import Role

from notifier.app import create_api, create_worker
from notifier.settings import ApiSettings, WorkerSettings

if __name__ == "__main__":
    cli.main(
        "notifier",
        api=Role(ApiSettings, create_api),
        worker=Role(WorkerSettings, create_worker),
    )
