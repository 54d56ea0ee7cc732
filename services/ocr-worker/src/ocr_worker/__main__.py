"""`python -m ocr_worker worker`."""

from common import cli
from common.cli import Role

from ocr_worker.app import create_worker
from ocr_worker.settings import Settings

if __name__ == "__main__":
    cli.main("ocr-worker", worker=Role(Settings, create_worker))
