"""Takes from the current process what reading a document does not need.

Nothing here needs privileges, and nothing can be undone. The system call filter knows x86-64 and
64-bit ARM, and the file system can be taken away only by kernels with Landlock; what is not there
is told by `missing`, and left to the deployment's policy.
"""

import ctypes
import platform
import resource
import struct
import sys
from contextlib import suppress
from errno import EPERM
from pathlib import Path

from ocr_worker import landlock, tessdata
from ocr_worker.limits import Limits
from ocr_worker.prctl import SET_DUMPABLE, SET_NO_NEW_PRIVS, SET_SECCOMP, prctl

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

_PROGRAMS = tuple(
    map(
        Path,
        (
            *("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives"),
            *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu"),
        ),
    )
)
_DEVICES = tuple(map(Path, ("/dev/null", "/dev/zero", "/dev/urandom")))


def missing() -> list[str]:
    """Return what a confined process could still reach on this machine, in words."""
    lacks = []
    if platform.machine() not in _REFUSED_CALLS:
        lacks.append("the network")
    if not landlock.version():
        lacks.append("the file system")
    return lacks


def confine(limits: Limits, *, document: Path | None = None) -> None:
    """Limit the process and all it starts: resources, privileges, network, files.

    What is left of the file system is programs and libraries to read, the document, and the
    current directory to write. Raises `OSError` when the kernel refuses, since an open box is no
    box.
    """
    with suppress(OSError):  # only a hint: when memory runs out, take the reader and not the worker
        Path("/proc/self/oom_score_adj").write_text("1000")
    _limit(resource.RLIMIT_AS, limits.memory_bytes)
    _limit(resource.RLIMIT_FSIZE, limits.file_bytes)
    _limit(resource.RLIMIT_NOFILE, limits.open_files)
    _limit(resource.RLIMIT_CORE, 0)
    prctl(SET_NO_NEW_PRIVS, 1)
    readable = [*_PROGRAMS, *map(Path, (sys.prefix, sys.base_prefix, *sys.path))]
    if (languages := tessdata.folder()) is not None:
        readable.append(languages)
    if document is not None:
        readable.append(document)
    landlock.restrict(readable=readable, writable=(Path.cwd(), *_DEVICES))
    machine = platform.machine()
    if machine in _REFUSED_CALLS:
        _refuse_calls(*_REFUSED_CALLS[machine])
    prctl(SET_DUMPABLE, 0)  # no other process of the user may look into its memory


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
