"""Processes are found again, ended with all their children, and never confused with others."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from native.daemon import Daemon
from native.errors import DidNotStart, PortTaken, ToolMissing
from native.ports import spare_ports
from native.processes import Processes


@pytest.fixture
def processes(tmp_path: Path) -> Processes:
    return Processes(run=tmp_path / "run", logs=tmp_path / "logs")


class Daemons:
    """Makes small daemons out of shell scripts, and ends them."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._made: list[Daemon] = []

    def __call__(self, script: str, *, ready: Path | None = None, **more: object) -> Daemon:
        port = spare_ports(1)[0]
        daemon = Daemon(
            name=f"script-{len(self._made)}",
            command=lambda: ["sh", "-c", script],
            env={},
            ports={f"script-{len(self._made)}": port},
            url="",
            is_ready=lambda: ready is not None and ready.exists(),
            **more,  # type: ignore[arg-type]
        )
        self._made.append(daemon)
        return daemon

    def end(self) -> None:
        for daemon in self._made:
            self._processes.kill(daemon)


@pytest.fixture
def daemons(processes: Processes) -> Iterator[Daemons]:
    daemons = Daemons(processes)
    yield daemons
    daemons.end()


def read_when_there(path: Path) -> str:
    while not path.exists() or not path.read_text().endswith("\n"):
        pass
    return path.read_text()


def test_a_process_outlives_the_command_that_started_it(
    processes: Processes, daemons: Daemons
) -> None:
    daemon = daemons("exec sleep 60")
    processes.start(daemon)
    found = processes.find(daemon.name)

    assert found is not None
    assert os.getsid(found.pid) == found.pid != os.getsid(0)


def test_starting_twice_starts_once(processes: Processes, daemons: Daemons) -> None:
    daemon = daemons("exec sleep 60")
    processes.start(daemon)
    first = processes.find(daemon.name)
    processes.start(daemon)

    assert processes.find(daemon.name) == first


def test_a_process_that_dies_at_start_is_quoted(processes: Processes, daemons: Daemons) -> None:
    daemon = daemons("echo the disk is full; exit 3")
    processes.start(daemon)
    with pytest.raises(DidNotStart) as caught:
        processes.wait_ready(daemon, within=30)

    assert "the disk is full" in str(caught.value)
    assert str(processes.log(daemon.name)) in str(caught.value)


def test_a_process_that_is_never_ready_is_given_up(processes: Processes, daemons: Daemons) -> None:
    daemon = daemons("echo still thinking; exec sleep 60")
    processes.start(daemon)
    with pytest.raises(DidNotStart, match="was not ready within"):
        processes.wait_ready(daemon, within=0.3)


def test_the_log_of_the_life_before_is_kept(
    processes: Processes, daemons: Daemons, tmp_path: Path
) -> None:
    daemon = daemons(f"cat {tmp_path}/word; exec sleep 60")
    for word in ("first\n", "second\n"):
        (tmp_path / "word").write_text(word)
        processes.start(daemon)
        assert read_when_there(processes.log(daemon.name)) == word
        processes.kill(daemon)

    assert processes.log(daemon.name).with_suffix(".log.1").read_text() == "first\n"


def test_a_recycled_pid_is_left_alone(
    processes: Processes, daemons: Daemons, tmp_path: Path
) -> None:
    stranger, daemon = daemons("exec sleep 60"), daemons("exec sleep 60")
    processes.start(stranger)
    remembered = json.loads((tmp_path / "run" / f"{stranger.name}.json").read_text())
    remembered["created"] -= 3600
    (tmp_path / "run" / f"{daemon.name}.json").write_text(json.dumps(remembered))

    assert processes.find(daemon.name) is None
    processes.stop(daemon)
    processes.kill(daemon)
    assert processes.find(stranger.name) is not None


def test_a_kill_takes_the_children_too(
    processes: Processes, daemons: Daemons, tmp_path: Path
) -> None:
    children = tmp_path / "children"
    daemon = daemons(f"sleep 60 & one=$!; setsid sleep 60 & echo $one $! > {children}; wait")
    processes.start(daemon)
    pids = [int(pid) for pid in read_when_there(children).split()]
    processes.kill(daemon)

    assert len(pids) == 2
    assert not any(psutil.pid_exists(pid) and not is_zombie(pid) for pid in pids)
    assert processes.find(daemon.name) is None


def test_what_a_dead_process_left_behind_is_ended(
    processes: Processes, daemons: Daemons, tmp_path: Path
) -> None:
    child = tmp_path / "child"
    daemon = daemons(f"sleep 60 & echo $! > {child}; wait")
    processes.start(daemon)
    pid = int(read_when_there(child))
    leader = processes.find(daemon.name)
    assert leader is not None
    os.kill(leader.pid, signal.SIGKILL)
    while processes.find(daemon.name):
        pass
    assert psutil.pid_exists(pid)
    processes.kill(daemon)

    assert not psutil.pid_exists(pid) or is_zombie(pid)


def test_a_process_that_ignores_sigterm_is_killed(
    processes: Processes, daemons: Daemons, tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    script = f"trap '' TERM; echo > {ready}; while true; do sleep 1; done"
    daemon = daemons(script, ready=ready, stop_seconds=0.3)
    processes.start(daemon)
    processes.wait_ready(daemon, within=30)
    processes.stop(daemon)

    assert processes.find(daemon.name) is None


def test_a_process_inherits_only_what_it_needs(
    processes: Processes,
    daemons: Daemons,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of the developer")
    output = tmp_path / "env"
    daemon = daemons(f"env > {output}.new; mv {output}.new {output}; exec sleep 60")
    processes.start(daemon)
    seen = read_when_there(output)

    assert "PATH=" in seen
    assert "of the developer" not in seen


def test_a_taken_port_is_named_with_its_holder(processes: Processes, daemons: Daemons) -> None:
    daemon = daemons("exec sleep 60", port_setting="QUIRE_PORT")
    with socket.create_server(("127.0.0.1", daemon.port)), pytest.raises(PortTaken) as caught:
        processes.start(daemon)

    assert f"Port {daemon.port}" in str(caught.value)
    assert f"pid {os.getpid()}" in str(caught.value)
    assert "QUIRE_PORT=" in str(caught.value)


def test_a_missing_tool_says_how_to_get_it(processes: Processes, daemons: Daemons) -> None:
    daemon = daemons("exec sleep 60", tools=("no-such-server",))
    with pytest.raises(ToolMissing, match=r"no-such-server.*make setup"):
        processes.start(daemon)


def is_zombie(pid: int) -> bool:
    return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
