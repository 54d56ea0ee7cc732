"""A process and all that belongs to it: who they are, whether they live, and how to end them."""

import os
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress

import psutil

_children: list["subprocess.Popen[bytes]"] = []


def remember(child: "subprocess.Popen[bytes]") -> None:
    """Keep a child that is meant to outlive us: Python complains of one that is forgotten."""
    _children.append(child)


def family(pid: int) -> set[psutil.Process]:
    """Return a process, its descendants, and whoever else is in its process group."""
    try:
        process = psutil.Process(pid)
        return {process, *process.children(recursive=True), *group(pid)}
    except psutil.NoSuchProcess:
        return set(group(pid))


def group(pid: int) -> list[psutil.Process]:
    """Return whoever is in a process group, be its leader alive or not."""
    members = []
    for process in psutil.process_iter():
        with suppress(ProcessLookupError):
            if os.getpgid(process.pid) == pid:
                members.append(process)
    return members


def kill(processes: Iterable[psutil.Process]) -> None:
    """Send SIGKILL to those that live, and return when they are gone."""
    victims = [process for process in processes if not has_ended(process)]
    for process in victims:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    wait(victims, 10.0)


def wait(processes: Iterable[psutil.Process], seconds: float) -> None:
    """Return when all have ended, or when the time is up."""
    deadline = time.monotonic() + seconds
    for process in processes:
        while not has_ended(process) and time.monotonic() < deadline:
            time.sleep(0.02)


def has_ended(process: psutil.Process) -> bool:
    """Tell whether the process is gone; one that only waits for its parent to notice is too.

    With several threads it looks like that already while the last of them still hold its ports.
    """
    try:
        if process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1:
            return not process.is_running()
    except psutil.NoSuchProcess:
        return True
    for child in _children:
        if child.pid == process.pid:
            child.poll()
    return True
