"""The system call that sets properties of the calling process (see prctl(2))."""

import ctypes
import os

SET_PDEATHSIG = 1
SET_DUMPABLE = 4
SET_SECCOMP = 22
SET_CHILD_SUBREAPER = 36
SET_NO_NEW_PRIVS = 38


def prctl(option: int, value: int, pointer: bytes | None = None) -> None:
    """Set a property; raises `OSError` when the kernel refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    unused = ctypes.c_ulong(0)
    if libc.prctl(option, ctypes.c_ulong(value), pointer or unused, unused, unused) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
