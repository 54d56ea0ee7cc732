"""PostgreSQL refuses to run as root, so root runs it as an ordinary user."""

import os
import pwd
import subprocess
from collections.abc import Iterable
from pathlib import Path

from native.errors import OutOfReach

_ORDINARY_USERS = ("postgres", "nobody")

_MAY_READ_ANYTHING = (
    # PostgreSQL asks access(2), which forgets the capability without this bit.
    "--securebits=+no_setuid_fixup",
    "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=+dac_read_search",
)


class Account:
    """Whom PostgreSQL runs as: ourselves, or an ordinary user when we are root."""

    def __init__(self, data: Path) -> None:
        """Choose the user; data that exists already stays with its owner."""
        self._user = _ordinary_user(data) if os.geteuid() == 0 else None

    def own(self, path: Path) -> None:
        """Give a file or folder to the user."""
        if self._user:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def open_way(self, folder: Path) -> None:
        """Let the user pass through a private folder, though not look around in it."""
        if self._user:
            os.chown(folder, 0, self._user.pw_gid)
            folder.chmod(0o710)

    def command(self, command: Iterable[str | Path], *, reaching: Iterable[Path]) -> list[str]:
        """Return the command, made to run as the user, who must be able to reach these paths."""
        plain = [str(word) for word in command]
        if self._user is None:
            return plain
        ids = (f"--reuid={self._user.pw_uid}", f"--regid={self._user.pw_gid}", "--clear-groups")
        as_user = ["setpriv", *ids]
        for path in reaching:
            if not _reaches(as_user, path):
                # A checkout below a private home: the right to pass through it, and no other.
                as_user = ["setpriv", *ids, *_MAY_READ_ANYTHING]
                if not _reaches(as_user, path):
                    raise OutOfReach(self._user.pw_name, path)
        return [*as_user, *plain]


def _ordinary_user(data: Path) -> pwd.struct_passwd:
    if data.exists() and data.stat().st_uid != 0:
        return pwd.getpwuid(data.stat().st_uid)
    known = {user.pw_name: user for user in pwd.getpwall()}
    return next(known[name] for name in _ORDINARY_USERS if name in known)


def _reaches(as_user: list[str], path: Path) -> bool:
    command = [*as_user, "test", "-x", str(path)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0
