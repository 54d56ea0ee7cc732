"""Takes from the current process what reading a document does not need.

Nothing here needs privileges, and nothing can be undone. The system call filter knows x86-64 and
64-bit ARM; on another machine the network is left to the deployment's policy.
"""

import ctypes
import platform
import resource
import struct
from contextlib import suppress
from errno import EPERM
from pathlib import Path

from ocr_worker.limits import Limits
from ocr_worker.prctl import SET_NO_NEW_PRIVS, SET_SECCOMP, prctl

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
    _limit(resource.RLIMIT_AS, limits.memory_bytes)
    _limit(resource.RLIMIT_FSIZE, limits.file_bytes)
    _limit(resource.RLIMIT_NOFILE, limits.open_files)
    _limit(resource.RLIMIT_CORE, 0)
    prctl(SET_NO_NEW_PRIVS, 1)
    machine = platform.machine()
    if machine in _REFUSED_CALLS:
        _refuse_calls(*_REFUSED_CALLS[machine])


def allow_cpu(seconds: int) -> None:
    """Let the process use so many more seconds of processor time before it is killed."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    bound = int(used.ru_utime + used.ru_stime) + 1 + seconds
    _limit(resource.RLIMIT_CPU, bound, for_good=False)


def _limit(kind: int, bound: int, *, for_good: bool = True) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        bound = min(bound, hard)  # whoever started the worker may have set a lower one
    resource.setrlimit(kind, (bound, bound if for_good else hard))


def _refuse_calls(architecture: int, calls: tuple[int, ...]) -> None:
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
    prctl(SET_SECCOMP, _SECCOMP_MODE_FILTER, filter_program)
