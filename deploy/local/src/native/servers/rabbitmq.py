"""RabbitMQ from Debian, as a private node beside whatever the machine already runs.

The packaged start script changes user and folder; the one below it does as it is told.
"""

import http.client
import os
import secrets
import socket
import time
from base64 import b64encode
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from native.credentials import Credentials
from native.daemon import Daemon
from native.ports import LOOPBACK
from native.processes import Processes
from native.profile import Profile

USER = "quire"

_SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"
_EPMD = "epmd"
_GREETING = b"AMQP\x00\x00\x09\x01"


@dataclass(frozen=True)
class Node:
    """A private RabbitMQ node: its folder, its ports and its password."""

    folder: Path
    processes: Processes
    password: str = field(repr=False)
    port: int
    distribution_port: int
    epmd_port: int
    management_port: int | None = None
    metrics_port: int | None = None
    name: str = "quire@localhost"

    @property
    def amqp_url(self) -> str:
        """Where clients connect, with the login."""
        return f"amqp://{USER}:{self.password}@{LOOPBACK}:{self.port}/"

    def daemon(self) -> Daemon:
        """Describe the node as a process."""
        plugin_ports = {"management": self.management_port, "metrics": self.metrics_port}
        return Daemon(
            name="rabbitmq",
            command=lambda: [_SERVER],
            env=self._env(),
            ports={
                "rabbitmq": self.port,
                "distribution": self.distribution_port,
                **{part: port for part, port in plugin_ports.items() if port is not None},
            },
            url=self.amqp_url,
            is_ready=self._is_ready,
            tools=(_SERVER, _EPMD),
            prepare=self._prepare,
            before_kill=self._await_registrations,
            clean_up=lambda: self.processes.stop(self._epmd()),
            stop_seconds=20,
        )

    def _epmd(self) -> Daemon:
        """Describe Erlang's port mapper; left to itself the node would start one that stays."""
        return Daemon(
            name=_EPMD,
            command=lambda: [_EPMD, "-port", str(self.epmd_port), "-address", LOOPBACK],
            env={},
            ports={"epmd": self.epmd_port},
            url=f"tcp://{LOOPBACK}:{self.epmd_port}",
            is_ready=lambda: True,
        )

    def _env(self) -> dict[str, str]:
        folder = self.folder
        return {
            "HOME": str(folder),  # the Erlang cookie lies there
            "LC_ALL": "C.UTF-8",
            "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_SCHEMA_DIR": str(folder / "schema"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.distribution_port),
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_INETRC": str(folder / "inetrc"),
            "ERL_CRASH_DUMP_SECONDS": "0",
            # The distribution port would listen on every address.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            # The script becomes the node instead of watching over it, so the pid is the node's.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        cookie = self.folder / ".erlang.cookie"
        if not cookie.exists():  # Erlang's own is easy to guess
            cookie.touch(mode=0o600)
            cookie.write_text(secrets.token_hex(24))
            cookie.chmod(0o400)
        settings = {
            "listeners.tcp.1": f"{LOOPBACK}:{self.port}",
            "default_user": USER,
            "default_pass": self.password,
            "vm_memory_high_watermark.absolute": "512MB",
            "disk_free_limit.absolute": "50MB",
            "log.console": "true",
            "log.console.use_colors": "off",
            "log.file": "false",
        }
        plugins = {"management": self.management_port, "prometheus": self.metrics_port}
        enabled = {plugin: port for plugin, port in plugins.items() if port is not None}
        for plugin, port in enabled.items():
            settings |= {f"{plugin}.tcp.ip": LOOPBACK, f"{plugin}.tcp.port": str(port)}
        # A bare system may have no /etc/hosts, and the node must find itself by name.
        inetrc = '{host, {127,0,0,1}, ["localhost"]}.\n{lookup, [file, native]}.\n'
        (self.folder / "inetrc").write_text(inetrc)
        lines = [f"{name} = {value}\n" for name, value in settings.items()]
        (self.folder / "rabbitmq.conf").write_text("".join(lines))
        names = ",".join(f"rabbitmq_{plugin}" for plugin in enabled)
        (self.folder / "enabled_plugins").write_text(f"[{names}].\n")
        self.processes.start(self._epmd())

    def _await_registrations(self) -> None:
        """Wait until the node has noted on disk which quorum queues it has.

        Until rabbitmq/ra#443 that happened up to a second late, and a queue that was declared
        just before a SIGKILL never found a leader again.
        """
        folder = self.folder / "mnesia" / self.name / "quorum" / self.name
        deadline = time.monotonic() + 5
        while folder.exists() and time.monotonic() < deadline:
            noted = (folder / "names.dets").read_bytes()
            if all(each.name.encode() in noted for each in folder.iterdir() if each.is_dir()):
                return
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        """Tell whether AMQP is spoken and, if there is a management API, whether it lets us in."""
        try:
            with closing(socket.create_connection((LOOPBACK, self.port), timeout=2)) as client:
                client.sendall(_GREETING)
                if not client.recv(1):
                    return False
            return self.management_port is None or self._management_answers(self.management_port)
        except (OSError, http.client.HTTPException):
            return False

    def _management_answers(self, port: int) -> bool:
        login = b64encode(f"{USER}:{self.password}".encode()).decode()
        with closing(http.client.HTTPConnection(LOOPBACK, port, timeout=2)) as client:
            client.request("GET", "/api/whoami", headers={"Authorization": f"Basic {login}"})
            return client.getresponse().status == http.client.OK


def rabbitmq(profile: Profile, credentials: Credentials) -> Daemon:
    """Describe the profile's RabbitMQ server."""
    return Node(
        folder=profile.data / "rabbitmq",
        processes=Processes(run=profile.run, logs=profile.logs),
        password=credentials.rabbitmq_password,
        port=profile.port("rabbitmq"),
        distribution_port=profile.port("rabbitmq-distribution"),
        epmd_port=profile.port("epmd"),
        management_port=profile.port("rabbitmq-management"),
        metrics_port=profile.port("rabbitmq-metrics"),
        name=f"quire-{profile.name}@localhost",
    ).daemon()


def installed() -> bool:
    """Tell whether this machine has RabbitMQ."""
    return os.access(_SERVER, os.X_OK)
