"""What there is to know about a process of the stack in order to start, ask and stop it."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Daemon:
    """A server or a service, described; `native.processes` brings it to life."""

    name: str
    command: Callable[[], list[str]]
    """Returns the command line; called when the process is about to start, after `prepare`."""
    env: Mapping[str, str]
    """Its whole environment, apart from what every process inherits."""
    ports: Mapping[str, int]
    """All that it listens on, by what they are for; its clients use the first."""
    url: str
    is_ready: Callable[[], bool]
    """Tells whether it does its work; may be asked at any time, and answers within seconds."""
    needs: tuple[str, ...] = ()
    """What must be ready before it starts."""
    tools: tuple[str, ...] = ()
    """The programs that it runs: paths, or names to be found in PATH."""
    prepare: Callable[[], None] = field(default=_nothing)
    """Writes configuration and makes empty data, where they are missing."""
    provision: Callable[[], None] = field(default=_nothing)
    """Puts into the running server what its clients expect to find there."""
    before_kill: Callable[[], None] = field(default=_nothing)
    """Waits for what an unasked-for end would damage for good, through no fault of the client's."""
    clean_up: Callable[[], None] = field(default=_nothing)
    """Removes what it leaves outside its process group, once it is gone."""
    port_setting: str = ""
    """The environment variable that chooses its port, if there is one."""
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    """How long it may take to end by itself before it is killed."""

    @property
    def port(self) -> int:
        """The port that its clients use."""
        return next(iter(self.ports.values()))
