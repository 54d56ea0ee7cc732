"""The pytest plugin of the native stack: real servers for tests, and one that they may break."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from native.infrastructure import Infrastructure, find_infrastructure
from native.private_rabbitmq import PrivateRabbitMQ
from native.servers.rabbitmq import installed


@pytest.fixture(scope="session")
def infrastructure() -> Iterator[Infrastructure]:
    """Return real servers, shared by all tests of the session."""
    with find_infrastructure() as found:
        yield found


@pytest.fixture
def private_rabbitmq(tmp_path: Path) -> Iterator[PrivateRabbitMQ]:
    """Return a running RabbitMQ node of the test's own, to kill and to start again.

    A module that wants one for all of its tests makes a fixture with `PrivateRabbitMQ(folder)`.
    """
    if not installed():
        pytest.skip("a RabbitMQ node that may be killed needs a native one: run `make setup`")
    with PrivateRabbitMQ(tmp_path / "rabbitmq") as node:
        yield node
