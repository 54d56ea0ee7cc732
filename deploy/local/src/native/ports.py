"""Tells whether a port is free, and if it is not, who holds it."""

import random
import socket
import time
from contextlib import closing

import psutil

from native.daemon import Daemon
from native.errors import PortTaken

LOOPBACK = "127.0.0.1"

_MOMENT_SECONDS = 2.0
_SPARE = range(23000, 28000)
"""Below the ephemeral range and clear of every profile: what is free now stays free."""


def require_free(daemon: Daemon) -> None:
    """Raise `PortTaken` if somebody listens on one of the daemon's ports."""
    for part, port in daemon.ports.items():
        if not _becomes_free(port):
            name = daemon.name if part == daemon.name else f"{daemon.name} ({part})"
            raise PortTaken(name, port, _holder(port), daemon.port_setting)


def _becomes_free(port: int) -> bool:
    """Wait a moment: the threads of a killed process may hold its sockets longer than it lives."""
    deadline = time.monotonic() + _MOMENT_SECONDS
    while not is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_free(port: int) -> bool:
    """Tell whether we could listen on the port."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def spare_ports(count: int) -> list[int]:
    """Return free ports that no outgoing connection will take either."""
    candidates = random.sample(_SPARE, len(_SPARE))
    free = (port for port in candidates if is_free(port))
    return [next(free) for _ in range(count)]


def _holder(port: int) -> str:
    """Name the process that listens on the port, as far as we may know."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        connections = []
    for connection in connections:
        listens = connection.status == psutil.CONN_LISTEN
        if listens and connection.laddr and connection.laddr.port == port and connection.pid:
            try:
                process = psutil.Process(connection.pid)
                return f"{process.name()} (pid {process.pid}: {' '.join(process.cmdline())[:100]})"
            except psutil.Error:
                break
    return "another program"
