"""The stack as one thing: bring it up, take it down, and break parts of it on purpose."""

import fcntl
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from email.message import EmailMessage
from functools import cached_property, partial

from native import jobs
from native.credentials import Credentials, load_credentials
from native.daemon import Daemon
from native.errors import NotRunning, SecretsLost, UnknownName
from native.jobs import Job, Nobody, Observer
from native.mailbox import read_mailbox
from native.processes import Processes
from native.profile import Profile, find_profile
from native.servers import SERVERS, servers
from native.servers.mail import mail, mailbox_folder
from native.services import MIGRATIONS, Migration, Settings, services

_READY_SECONDS = 90.0


class Stack:
    """One profile's servers and processes, by name; every method may be called from any thread."""

    def __init__(self, profile: str | Profile = "dev", observer: Observer | None = None) -> None:
        """Describe the stack of a profile; nothing is started or written yet."""
        wanted = find_profile(profile) if isinstance(profile, str) else profile
        self._observer = observer or Nobody()
        self._processes = Processes(run=wanted.run, logs=wanted.logs)
        self.profile = self._where_it_runs(wanted)

    @property
    def names(self) -> list[str]:
        """All that there is, the servers first."""
        return list(self._daemons)

    def up(self, *, servers_only: bool = False, names: Iterable[str] | None = None) -> None:
        """Start what does not run yet, and return when all is ready.

        With `servers_only` the suite's own processes are left alone; with `names` nothing is
        started but these.
        """
        wanted = list(SERVERS if servers_only else self.names) if names is None else list(names)
        with self._locked():
            failed = threading.Event()
            starting = [self._daemon(name) for name in wanted]
            for daemon in starting:  # now, and not after half of them have started
                self._processes.require_startable(daemon)
            migrations = [
                Job(f"{each.module}-migrate", partial(self._migrate, each), needs=("postgres",))
                for each in MIGRATIONS
                if any(f"{each.module}-migrate" in d.needs and self._is_down(d) for d in starting)
            ]
            ups = [Job(d.name, partial(self._bring_up, d, failed), d.needs) for d in starting]
            jobs.run([*ups, *migrations], self._observer, failed)

    def down(self) -> None:
        """Stop everything; first what uses a server, then the server."""
        if self.profile.folder.exists():
            with self._locked():
                try:
                    self._stop(self._daemons.values())
                except SecretsLost:  # nobody needs them to stop what runs
                    self._stop(_describe(self.profile, Credentials()))

    def stop_services(self) -> None:
        """Stop the suite's own processes and leave the servers running."""
        with self._locked():
            self._stop(d for d in self._daemons.values() if d.name not in SERVERS)

    def start(self, name: str) -> None:
        """Start one process unless it runs; `wait_ready` tells when it does its work."""
        with self._locked():
            self._processes.start(self._daemon(name))

    def kill(self, name: str) -> None:
        """Send SIGKILL to a process and all its children, and return when they are gone."""
        daemon = self._daemon(name)
        daemon.before_kill()
        self._processes.kill(daemon)

    def restart(self, name: str) -> None:
        """Stop one process in good order, start it again, and return when it is ready."""
        with self._locked():
            daemon = self._daemon(name)
            jobs.run([Job(name, lambda: self._restart(daemon))], self._observer, threading.Event())

    def wait_ready(self, name: str, *, within: float = _READY_SECONDS) -> None:
        """Return when the process does its work."""
        self._processes.wait_ready(self._daemon(name), within=within)

    def is_ready(self, name: str) -> bool:
        """Tell whether the process runs and does its work, right now."""
        return self.pid_or_none(name) is not None and self._daemon(name).is_ready()

    def pid(self, name: str) -> int:
        """Return the pid of a process, or raise `NotRunning`."""
        pid = self.pid_or_none(name)
        if pid is None:
            raise NotRunning(name)
        return pid

    def pid_or_none(self, name: str) -> int | None:
        """Return the pid of a process if it runs."""
        process = self._processes.find(self._daemon(name).name)
        return process.pid if process else None

    def port(self, name: str) -> int:
        """Return the port that clients of a process use."""
        return self._daemon(name).port

    def url(self, name: str) -> str:
        """Return where clients reach a process, with the login where there is one."""
        return self._daemon(name).url

    def env(self, name: str) -> Mapping[str, str]:
        """Return the settings of a process."""
        return self._daemon(name).env

    def mailbox(self) -> list[EmailMessage]:
        """Return the mails that the suite has sent here, the newest last."""
        return read_mailbox(mailbox_folder(self.profile))

    @cached_property
    def credentials(self) -> Credentials:
        """The secrets of the profile, made when they are first asked for."""
        self.profile.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return load_credentials(self.profile.folder / "secrets.env", data=self.profile.data)

    @cached_property
    def _daemons(self) -> dict[str, Daemon]:
        return {daemon.name: daemon for daemon in _describe(self.profile, self.credentials)}

    def _daemon(self, name: str) -> Daemon:
        if name not in self._daemons:
            raise UnknownName(f"There is no {name!r}: choose from {', '.join(self._daemons)}.")
        return self._daemons[name]

    def _where_it_runs(self, wanted: Profile) -> Profile:
        """Let a gateway that runs stay on the port chosen for it, until another is chosen."""
        remembered = self._processes.remembered("gateway")
        if wanted.port_is_chosen or remembered is None or self._processes.find("gateway") is None:
            return wanted
        return replace(wanted, gateway_port=remembered.port)

    def _is_down(self, daemon: Daemon) -> bool:
        return self._processes.find(daemon.name) is None

    def _bring_up(self, daemon: Daemon, failed: threading.Event) -> None:
        if self._has_moved(daemon):
            self._processes.stop(daemon)
        self._processes.start(daemon)
        self._processes.wait_ready(daemon, within=_READY_SECONDS, given_up=failed.is_set)
        if not failed.is_set():
            daemon.provision()

    def _has_moved(self, daemon: Daemon) -> bool:
        """Tell whether a running process listens on another port than is now wanted."""
        remembered = self._processes.remembered(daemon.name)
        return remembered is not None and remembered.port != daemon.port

    def _restart(self, daemon: Daemon) -> None:
        self._processes.stop(daemon)
        self._processes.start(daemon)
        self._processes.wait_ready(daemon, within=_READY_SECONDS)

    def _stop(self, daemons: Iterable[Daemon]) -> None:
        stopping = list(daemons)
        jobs.run(
            [
                Job(
                    d.name,
                    partial(self._processes.stop, d),
                    needs=tuple(user.name for user in stopping if d.name in user.needs),
                    silent=self._is_down(d),
                )
                for d in stopping
            ],
            self._observer,
            threading.Event(),
        )

    def _migrate(self, migration: Migration) -> None:
        name = f"{migration.module}-migrate"
        settings = Settings(self.profile, self.credentials)
        self._processes.run(
            name, [sys.executable, "-m", migration.module, "migrate"], migration.env(settings)
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one command at a time work on the profile."""
        self.profile.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.profile.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _describe(profile: Profile, credentials: Credentials) -> list[Daemon]:
    return [*servers(profile, credentials), mail(profile), *services(profile, credentials)]
