"""Temporary directories that never outlive their owner for long.

Each directory is locked by the process that made it. The kernel drops the lock when that process
dies in whatever way, so an unlocked directory is known to be left over.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_IN_USE = "box-"


def default_root() -> Path:
    """Return the directory under which the boxes of this user get theirs."""
    return Path(tempfile.gettempdir()) / f"quire-ocr-{os.getuid()}"


@contextmanager
def scratch_directory(root: Path) -> Iterator[Path]:
    """Provide an empty directory, and remove it with all that is in it."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix="new-", dir=root))
    lock = os.open(fresh, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # Locked before it gets the name that `sweep` looks for, so that no sweep takes it away.
        fcntl.flock(lock, fcntl.LOCK_EX)
        directory = fresh.rename(root / fresh.name.replace("new-", _IN_USE, 1))
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)
    finally:
        os.close(lock)


def sweep(root: Path) -> int:
    """Remove the directories whose owners died, and return how many there were."""
    swept = 0
    for directory in root.glob(f"{_IN_USE}*"):
        try:
            lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            continue  # another sweep was faster, or it belongs to another user
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(directory, ignore_errors=True)
            swept += 1
        finally:
            os.close(lock)
    return swept
