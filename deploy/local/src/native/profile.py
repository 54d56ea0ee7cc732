"""A profile: one independent copy of the stack, with a folder and ports of its own."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from native.errors import CheckoutNotFound, StackError, UnknownName

FIRST_PORTS = {"dev": 18000, "test": 21000, "selftest": 22000}
"""Each profile's first port. `selftest` is for the tests of this package.

All ports stay out of the ephemeral range (from 32768 on), where any outgoing connection may sit:
SeaweedFS listens on its ports + 10000 too, which leaves 22700 as the highest first port.
"""

OFFSETS = {
    "gateway": 0,
    "postgres": 1,
    "redis": 2,
    "rabbitmq": 10,
    "rabbitmq-management": 11,
    "rabbitmq-metrics": 12,
    "rabbitmq-distribution": 13,
    "epmd": 14,
    "s3": 40,
    "s3-master": 41,
    "s3-volume": 42,
    "s3-filer": 43,
    "s3-admin": 44,
    "mail": 45,
    "auth-api": 50,
    "documents-api": 51,
    "documents-worker": 52,
    "notifier-api": 53,
    "notifier-worker": 54,
    "ocr-worker": 55,
    "auth-worker": 56,
}

_PORT_SETTING = "QUIRE_PORT"


@dataclass(frozen=True)
class Profile:
    """Where one copy of the stack lives and listens."""

    name: str
    folder: Path
    first_port: int
    gateway_port: int
    durable: bool
    """Whether data must survive a power cut; a killed process never loses any."""
    port_setting: str = ""
    """The environment variable that can choose the gateway's port, if there is one."""
    port_is_chosen: bool = True
    """Whether the gateway must listen on that port, not on where it may already be."""

    @property
    def data(self) -> Path:
        """The servers' data."""
        return self.folder / "data"

    @property
    def logs(self) -> Path:
        """What the processes have written to their standard output and error."""
        return self.folder / "logs"

    @property
    def run(self) -> Path:
        """The pid files."""
        return self.folder / "run"

    def port(self, name: str) -> int:
        """Return the port of a process, or of one of its parts."""
        return self.gateway_port if name == "gateway" else self.first_port + OFFSETS[name]


def find_profile(name: str) -> Profile:
    """Return a profile of the checkout that we stand in."""
    if name not in FIRST_PORTS:
        raise UnknownName(f"There is no profile {name!r}: choose from {', '.join(FIRST_PORTS)}.")
    is_dev = name == "dev"
    return Profile(
        name=name,
        folder=checkout() / ".local" / name,
        first_port=FIRST_PORTS[name],
        gateway_port=_gateway_port() if is_dev else FIRST_PORTS[name] + OFFSETS["gateway"],
        durable=is_dev,
        port_setting=_PORT_SETTING if is_dev else "",
        port_is_chosen=not is_dev or _PORT_SETTING in os.environ,
    )


def checkout() -> Path:
    """Return the folder of the repository: around the current folder, or around this file."""
    for folder in _candidates():
        if (folder / "deploy" / "local" / "src" / "native").is_dir():
            return folder
    raise CheckoutNotFound("No checkout of Quire here: change into its folder first.")


def _candidates() -> Iterator[Path]:
    for start in (Path.cwd(), Path(__file__).resolve().parent):
        yield start
        yield from start.parents


def _gateway_port() -> int:
    chosen = os.environ.get(_PORT_SETTING, "8000")
    if not chosen.isdecimal() or not 0 < int(chosen) < 65536:
        raise StackError(f"{_PORT_SETTING}={chosen} is not a port: choose a number up to 65535.")
    return int(chosen)
