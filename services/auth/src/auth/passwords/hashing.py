"""Password hashes: argon2id, in threads, so that the event loop never waits for one."""

import asyncio
import contextlib
import os
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from passlib.context import CryptContext

T = TypeVar("T")

MAX_CHARS = 256
_NICE = 10


def normalised(password: str) -> str:
    """Return the one form of what may be typed as different code points (NFKC).

    The same "é" comes as one code point from one keyboard and as two from another.
    """
    return unicodedata.normalize("NFKC", password)


@dataclass(frozen=True)
class Verdict:
    """Whether a password was right."""

    right: bool
    new_hash: str | None = None
    """Set when the hash was made with other costs than those of the settings."""


def hashing_threads(count: int) -> ThreadPoolExecutor:
    """Return a pool of threads that stand back when others want the processor.

    A hash takes a tenth of a second of it, and whoever asks for anything else meanwhile should
    not notice.
    """
    return ThreadPoolExecutor(count, "argon2", initializer=_stand_back)


def _stand_back() -> None:
    with contextlib.suppress(OSError, AttributeError):  # only Linux knows it for single threads
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


class Passwords:
    """Hashes and checks passwords on the threads of a pool, whose size is the limit of the cost."""

    def __init__(self, threads: Executor, *, memory_kib: int, rounds: int) -> None:
        self._threads = threads
        self._context = CryptContext(
            schemes=["argon2"],
            argon2__type="ID",
            argon2__memory_cost=memory_kib,
            argon2__rounds=rounds,
            argon2__parallelism=1,  # a hash that uses several threads would escape the limit
        )
        # The hash that a wrong username is checked against is made on first use; made later, it
        # would make the first such answer slower than the others.
        self._context.dummy_verify()

    async def hash(self, password: str) -> str:
        """Return the hash of a password."""
        return str(await self._in_thread(partial(self._context.hash, normalised(password))))

    async def verify(self, password: str, password_hash: str | None) -> Verdict:
        """Tell whether the password is right, and its new hash if the old one has become weak.

        Without a hash it is not right, but that takes as long to find out: the time of an answer
        must not tell whether there is such a user.
        """
        candidate = normalised(password)
        if len(candidate) > MAX_CHARS:  # nobody's password; libpass would raise beyond 4 KiB
            return Verdict(right=False)
        check = partial(self._context.verify_and_update, candidate, password_hash)
        right, new_hash = await self._in_thread(check)
        return Verdict(right=bool(right), new_hash=new_hash)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
