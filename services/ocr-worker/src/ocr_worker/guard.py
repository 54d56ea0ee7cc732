"""The guard: a small process between the worker and the reader that leaves nothing behind.

The guard never sees a byte of a document. It waits for one of two things: the worker hangs up
(because it is done, or gave up, or was killed), or the reader dies. Then it kills the reader's
process group, Tesseract included, buries the dead and ends with the reader's exit status. Without
it, processes would outlive a killed worker, and their zombies would gather at process 1.
"""

import os
import select
import signal
from contextlib import suppress

from ocr_worker.prctl import SET_CHILD_SUBREAPER, SET_PDEATHSIG, prctl

_STDIN = 0

OUT_OF_MEMORY = 12
"""Exit status of a reader that could not get the memory it asked for."""

SIGNALLED = 128
"""A guard's exit status above this is the signal that killed its reader, as in a shell."""


def fork_reader(answers: int) -> None:
    """Split into guard and reader; only the reader returns, and only it keeps `answers` open."""
    prctl(SET_CHILD_SUBREAPER, 1)  # an orphaned Tesseract becomes ours to bury
    alive_end, reader_end = os.pipe()
    reader = os.fork()
    if reader == 0:
        os.close(alive_end)  # `reader_end` stays open for as long as the reader lives
        os.setpgid(0, 0)
        prctl(SET_PDEATHSIG, signal.SIGKILL)  # should the guard be killed
        return
    os.close(reader_end)
    os.close(answers)  # so that the worker sees the end when the reader has ended
    with suppress(OSError):
        os.setpgid(reader, reader)  # whichever of the two comes first
    _wait_for_hang_up(_STDIN, alive_end)
    os._exit(_bury(reader))


def _wait_for_hang_up(*descriptors: int) -> None:
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, 0)  # no event but the hang-up, which is always reported
    poll.poll()


def _bury(reader: int) -> int:
    with suppress(ProcessLookupError):
        os.killpg(reader, signal.SIGKILL)
    exit_status = 1
    while True:
        try:
            pid, status = os.wait()
        except ChildProcessError:
            return exit_status
        if pid == reader:
            code = os.waitstatus_to_exitcode(status)
            exit_status = code if code >= 0 else SIGNALLED - code
