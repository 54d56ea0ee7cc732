"""Takes the file system away from the current process but for what it is told to leave.

Landlock (landlock(7)) needs no privileges; it came with Linux 5.13, and a kernel may have been
built without it. What is not left cannot be had back, by the process or by any that it starts.
"""

import ctypes
import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

# The same numbers on every machine.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_FOR_VERSION = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_OF_THE_FIRST_VERSION = (1 << 13) - 1
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_ADDED = {2: _REFER, 3: _TRUNCATE, 5: _IOCTL_DEV}
_NETWORK_VERSION, _BIND_AND_CONNECT = 4, 0b11
_SCOPE_VERSION, _SOCKETS_AND_SIGNALS = 6, 0b11


def version() -> int:
    """Return the kernel's version of Landlock, 0 when it has none."""
    try:
        return _call(_CREATE_RULESET, None, 0, _ASK_FOR_VERSION)
    except OSError:
        return 0


def restrict(*, readable: Iterable[Path], writable: Iterable[Path]) -> None:
    """Leave the process files to read or execute, and others to read and write.

    Folders stand for all that is in them; what does not exist is passed over. Where the kernel can,
    TCP and signals to processes outside are refused too. Raises `OSError` when the kernel refuses
    to do what it says that it can.
    """
    known = version()
    if not known:
        return
    rights = _OF_THE_FIRST_VERSION
    for since, right in _ADDED.items():
        rights |= right if known >= since else 0
    network = _BIND_AND_CONNECT if known >= _NETWORK_VERSION else 0
    scope = _SOCKETS_AND_SIGNALS if known >= _SCOPE_VERSION else 0
    attributes = struct.pack("QQQ", rights, network, scope)
    if known < _NETWORK_VERSION:
        attributes = attributes[:8]  # as large as that kernel knows it
    elif known < _SCOPE_VERSION:
        attributes = attributes[:16]
    rules = _call(_CREATE_RULESET, attributes, len(attributes), 0)
    try:
        for path in readable:
            _leave(rules, path, _EXECUTE | _READ_FILE | _READ_DIR)
        for path in writable:
            _leave(rules, path, rights & ~_EXECUTE)
        _call(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _leave(rules: int, path: Path, rights: int) -> None:
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not path.is_dir():
                rights &= _OF_FILES
            rule = struct.pack("=Qi", rights, descriptor)
            _call(_ADD_RULE, rules, _PATH_BENEATH, rule, 0)
        finally:
            os.close(descriptor)


def _call(number: int, *arguments: bytes | int | None) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    words = [
        argument if isinstance(argument, bytes) else ctypes.c_long(argument or 0)
        for argument in arguments
    ]
    result = libc.syscall(ctypes.c_long(number), *words)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return int(result)
