"""Takes from the current process what reading a document does not need.

Nothing here needs privileges, and nothing can be undone. The system call filter knows x86-64 and
64-bit ARM; on another machine the network is left to the deployment's policy.
"""

import ctypes
import os
import platform
import resource
import struct
from contextlib import suppress
from errno import EPERM
from pathlib import Path

from ocr_worker.limits import Limits

_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2

# Classic BPF, as the kernel's linux/filter.h and linux/seccomp.h define it.
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in struct seccomp_data
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | EPERM
_X32_CALLS = 0x40000000  # x86-64's second numbering of the same calls

# socket, setpgid, setsid, io_uring_setup (which can open sockets, too)
_REFUSED_CALLS = {
    "x86_64": (0xC000003E, (41, 109, 112, 425)),
    "aarch64": (0xC00000B7, (198, 154, 157, 425)),
}


def confine(limits: Limits) -> None:
    """Limit the process and all it starts: resources, privileges, network.

    Raises `OSError` when the kernel refuses, since an open box is no box.
    """
    with suppress(OSError):  # only a hint: when memory runs out, take the reader and not the worker
        Path("/proc/self/oom_score_adj").write_text("1000")
    for kind, bound in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (bound, bound))
    libc = ctypes.CDLL(None, use_errno=True)
    _prctl(libc, _PR_SET_NO_NEW_PRIVS, 1, None)
    machine = platform.machine()
    if machine in _REFUSED_CALLS:
        _refuse_calls(libc, *_REFUSED_CALLS[machine])


def allow_cpu(seconds: int) -> None:
    """Let the process use so many more seconds of processor time before it is killed."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    bound = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (bound, resource.RLIM_INFINITY))


def _refuse_calls(libc: ctypes.CDLL, architecture: int, calls: tuple[int, ...]) -> None:
    # Jumps are relative; every refusal jumps to the last instruction.
    checks = [(_IF_AT_LEAST, _X32_CALLS), *((_IF_EQUAL, call) for call in calls)]
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IF_EQUAL, 0, len(checks) + 2, architecture),
        (_LOAD, 0, 0, _NUMBER),
        *((test, len(checks) - i, 0, value) for i, (test, value) in enumerate(checks)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    filter_program = struct.pack("HP", len(program), ctypes.addressof(buffer))
    _prctl(libc, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, filter_program)


def _prctl(libc: ctypes.CDLL, option: int, value: int, pointer: bytes | None) -> None:
    zero = ctypes.c_ulong(0)
    if libc.prctl(option, ctypes.c_ulong(value), pointer or zero, zero, zero) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
