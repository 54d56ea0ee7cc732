"""`python -m gateway api`."""

from common import cli
from common.cli import Role

from gateway.app import create_api
from gateway.settings import ApiSettings

if __name__ == "__main__":
    cli.main("gateway", api=Role(ApiSettings, create_api))
