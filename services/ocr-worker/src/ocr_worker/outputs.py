"""Takes a file that a reader made, which is believed no more than what the reader says."""

import os
import shutil
import stat
from pathlib import Path

_HEAD_BYTES = 16


class NotAnOutput(ValueError):
    """What lies there is not the file that the reader was asked for."""


def take(made: Path, target: Path, *, head: bytes, most: int) -> int:
    """Copy a file out of a reader's directory, and return its size in bytes.

    It has to be a file of its own, start with `head` and have at most `most` bytes: whoever took
    over a reader could have left a link to something that is not the reader's to show. Raises
    `NotAnOutput`.
    """
    try:
        descriptor = os.open(made, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise NotAnOutput from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1 or status.st_size > most:
        os.close(descriptor)
        raise NotAnOutput
    with open(descriptor, "rb") as source:  # noqa: PTH123 - a path could be another file by now
        if not source.read(_HEAD_BYTES).startswith(head):
            raise NotAnOutput
        source.seek(0)
        with target.open("wb") as copy:
            shutil.copyfileobj(source, copy)
            size = copy.tell()
    made.unlink(missing_ok=True)
    if size > most:
        target.unlink()
        raise NotAnOutput
    return size
