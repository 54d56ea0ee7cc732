"""A RabbitMQ node that belongs to one test, which may kill it as often as it likes."""

import secrets
from pathlib import Path
from types import TracebackType
from typing import Self

from native.ports import spare_ports
from native.processes import Processes
from native.servers.rabbitmq import Node

_READY_SECONDS = 60.0


class PrivateRabbitMQ:
    """A throw-away node without plugins; used with `with`, at whose end nothing is left of it."""

    def __init__(self, folder: Path) -> None:
        """Describe a node that keeps its data in this folder, on ports that nobody else uses."""
        self._processes = Processes(run=folder / "run", logs=folder / "logs")
        amqp, distribution, epmd = spare_ports(3)
        node = Node(
            folder=folder / "data",
            processes=self._processes,
            password=secrets.token_hex(8),
            port=amqp,
            distribution_port=distribution,
            epmd_port=epmd,
        )
        self.amqp_url = node.amqp_url
        self._daemon = node.daemon()

    def start(self) -> None:
        """Start the node, with the data that it had, and return when it speaks AMQP."""
        self._processes.start(self._daemon)
        self._processes.wait_ready(self._daemon, within=_READY_SECONDS)

    def kill(self) -> None:
        """Send SIGKILL to the node, and return when it is gone."""
        self._daemon.before_kill()
        self._processes.kill(self._daemon)

    def stop(self) -> None:
        """Stop the node in good order."""
        self._processes.stop(self._daemon)

    def __enter__(self) -> Self:
        """Start the node."""
        try:
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove the node; its data is not needed any more, so it need not end in good order."""
        self._remove()

    def _remove(self) -> None:
        self._processes.kill(self._daemon)
        self._processes.stop(self._daemon)
