"""Starts daemons, finds them again in a later command, and ends them.

A pid alone does not tell who a process is, because pids come round again: the pid file also says
when the process was created, and a process that was created at another time is not ours.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from native import families, ports
from native.daemon import Daemon
from native.errors import DidNotStart, ToolMissing

_INHERITED = (
    *("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "TESSDATA_PREFIX"),
    *("QUIRE_LOG_LEVEL", "QUIRE_OTLP_ENDPOINT"),
)
"""All that a process gets from the shell that started the stack; the rest is its own."""

_TAIL = 15


@dataclass(frozen=True)
class PidFile:
    """What is remembered of a process that was started."""

    pid: int
    boot: str
    created: float
    """In seconds after the boot: no setting of the clock changes it."""
    port: int


class Processes:
    """The processes whose pid files lie in one folder."""

    def __init__(self, *, run: Path, logs: Path) -> None:
        """Use these folders, which are made when the first process starts."""
        self._run = run
        self._logs = logs

    def log(self, name: str) -> Path:
        """Return the file that a process writes its output to."""
        return self._logs / f"{name}.log"

    def find(self, name: str) -> psutil.Process | None:
        """Return the process if it runs and is the one that we started."""
        remembered = self.remembered(name)
        if remembered is None:
            return None
        try:
            process = psutil.Process(remembered.pid)
            created = _created(process)
            same = remembered.boot == _boot() and abs(created - remembered.created) < 0.1
        except psutil.NoSuchProcess:
            return None
        return process if same and not families.has_ended(process) else None

    def remembered(self, name: str) -> PidFile | None:
        """Return what the pid file says, whether or not the process still runs."""
        try:
            return PidFile(**json.loads(self._pid_file(name).read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def start(self, daemon: Daemon) -> None:
        """Start a process that goes on when we end, unless it runs already."""
        if self.find(daemon.name) is not None:
            return
        self.require_startable(daemon)
        daemon.prepare()
        with self._new_log(daemon.name).open("wb") as output:
            child = subprocess.Popen(
                daemon.command(),
                cwd=self._run,
                env=_inherited() | dict(daemon.env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o077,
            )
        families.remember(child)
        created = _created(psutil.Process(child.pid))
        pid_file = PidFile(pid=child.pid, boot=_boot(), created=created, port=daemon.port)
        new = self._run / f"{daemon.name}.new"
        new.write_text(json.dumps(asdict(pid_file)))
        new.replace(self._pid_file(daemon.name))

    def require_startable(self, daemon: Daemon) -> None:
        """Raise an error that tells what stands in the way of starting it, if anything does."""
        if self.find(daemon.name) is not None:
            return
        for tool in daemon.tools:
            if shutil.which(tool) is None:
                raise ToolMissing(daemon.name, tool)
        self.kill(daemon)  # what an earlier life may have left behind
        ports.require_free(daemon)

    def wait_ready(
        self, daemon: Daemon, *, within: float, given_up: Callable[[], bool] = lambda: False
    ) -> None:
        """Return once the process does its work, or raise `DidNotStart`."""
        deadline = time.monotonic() + within
        while not daemon.is_ready():
            if self.find(daemon.name) is None:
                raise self._failure(daemon.name, "ended before it was ready")
            if given_up():
                return
            if time.monotonic() > deadline:
                raise self._failure(daemon.name, f"was not ready within {within:.0f} s")
            time.sleep(0.05)
        if self.find(daemon.name) is None:  # then somebody else has answered
            raise self._failure(daemon.name, "has ended, and something else answers on its port")

    def run(self, name: str, command: list[str], env: Mapping[str, str]) -> None:
        """Run a command to its end, with a log like everybody; raise `DidNotStart` if it fails."""
        with self._new_log(name).open("wb") as output:
            ended = subprocess.run(
                command,
                cwd=self._run,
                env=_inherited() | dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if ended.returncode != 0:
            raise self._failure(name, f"failed with exit code {ended.returncode}")

    def stop(self, daemon: Daemon) -> None:
        """Ask the process to end and wait for that, then make sure that nothing is left of it."""
        process = self.find(daemon.name)
        if process is not None:
            family = families.family(process.pid)
            with suppress(psutil.NoSuchProcess):
                process.send_signal(daemon.stop_signal)
            families.wait([process], daemon.stop_seconds)
            families.wait(family, 1.0)
            families.kill(family)
        self.kill(daemon)
        daemon.clean_up()

    def kill(self, daemon: Daemon) -> None:
        """End the process and all of its children at once, without asking."""
        remembered = self.remembered(daemon.name)
        if remembered is None:
            return
        if self.find(daemon.name) is not None:
            family = families.family(remembered.pid)
            with suppress(ProcessLookupError):
                os.killpg(remembered.pid, signal.SIGKILL)
            families.kill(family)
        elif remembered.boot == _boot() and not psutil.pid_exists(remembered.pid):
            # The leader of the group is gone. As long as others are left in it, its number is
            # given to nobody else.
            families.kill(families.group(remembered.pid))
        self._pid_file(daemon.name).unlink(missing_ok=True)

    def _new_log(self, name: str) -> Path:
        """Make room for the log of a new life; the one before it is kept."""
        self._run.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self.log(name)
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        return log

    def _failure(self, name: str, what: str) -> DidNotStart:
        log = self.log(name)
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return DidNotStart(name, what, log, "\n".join(lines[-_TAIL:]))

    def _pid_file(self, name: str) -> Path:
        return self._run / f"{name}.json"


def _boot() -> str:
    """Name the present life of the machine; pids begin anew with the next."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _created(process: psutil.Process) -> float:
    return round(process.create_time() - psutil.boot_time(), 2)


def _inherited() -> dict[str, str]:
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}
