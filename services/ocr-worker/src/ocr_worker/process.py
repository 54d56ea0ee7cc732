"""Starts a reader in its own world, asks it, and makes sure that it is gone afterwards."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from typing import Self, cast

import structlog

from ocr_worker import confinement
from ocr_worker.guard import OUT_OF_MEMORY, SIGNALLED
from ocr_worker.scratch import scratch_directory

logger = structlog.get_logger(__name__)

_MOST_ANSWER_BYTES = 32 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_GRACE_SECONDS = 5.0
_LOGGED_BYTES = 2_000
_KEPT_VARIABLES = ("PATH", "TESSDATA_PREFIX")
_STDERR = "stderr.txt"


class ReaderGone(Exception):
    """The reader ended instead of answering; tells whether memory or time was the reason."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the reader ended with status {status}")
        # pdfium and Tesseract abort when an allocation fails, Python says so in its own way, and
        # when the machine has none left the kernel kills the reader (see `confinement`).
        self.out_of_memory = status in (
            OUT_OF_MEMORY,
            SIGNALLED + signal.SIGABRT,
            SIGNALLED + signal.SIGKILL,
        )
        self.out_of_time = status == SIGNALLED + signal.SIGXCPU


class ReaderProcess:
    """A guard, the reader behind it, and their temporary directory."""

    def __init__(self, process: asyncio.subprocess.Process, scratch: Path, left: ExitStack) -> None:
        self._process = process
        self._requests = cast("asyncio.StreamWriter", process.stdin)
        self._answers = cast("asyncio.StreamReader", process.stdout)
        self._scratch = scratch
        self._left = left

    @classmethod
    async def start(cls, scratch_root: Path) -> Self:
        """Start a reader whose environment holds nothing of ours but where programs are."""
        _tell_what_is_missing()
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        with ExitStack() as stack:
            scratch = stack.enter_context(scratch_directory(scratch_root))
            stderr = stack.enter_context((scratch / _STDERR).open("wb"))
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-m", "ocr_worker.child"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                cwd=scratch,
                env={
                    **kept,
                    "HOME": str(scratch),
                    "TMPDIR": str(scratch),
                    "LC_ALL": "C.UTF-8",
                    # Tesseract's threads wait for each other: several pages at once are faster.
                    "OMP_THREAD_LIMIT": "1",
                },
                start_new_session=True,
                limit=_MOST_ANSWER_BYTES,
            )
            left = stack.pop_all()
        return cls(process, scratch, left)

    @property
    def scratch(self) -> Path:
        """The reader's own directory, in which it runs."""
        return self._scratch

    async def ask(self, request: Mapping[str, object], *, seconds: float) -> bytes:
        """Send a request and return the answer, a line of JSON.

        Raises `TimeoutError`, `ReaderGone`, `ValueError` (the answer is too long). After any
        exception, cancellation included, the reader has been stopped: an answer that comes late
        must not be taken for the answer to the next question.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self._exchange(request)
        except BaseException:
            await self.stop()
            raise

    async def _exchange(self, request: Mapping[str, object]) -> bytes:
        self._requests.write(json.dumps(request).encode() + b"\n")
        answer = await self._answers.readline()
        if not answer:
            status = await self._process.wait()
            self._log_death(status)
            raise ReaderGone(status)
        return answer

    async def stop(self) -> None:
        """Hang up: the guard kills whatever still runs and ends. May be called twice."""
        self._requests.close()
        try:
            async with asyncio.timeout(_GRACE_SECONDS):
                while await self._answers.read(_CHUNK_BYTES):
                    pass  # a pipe that is never emptied is never closed
                await self._process.wait()
        except TimeoutError:
            logger.warning("A guard did not end; it is killed.", pid=self._process.pid)
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        finally:
            self._left.close()

    def _log_death(self, status: int) -> None:
        with suppress(OSError):
            noise = (self._scratch / _STDERR).read_bytes()[-_LOGGED_BYTES:]
            logger.warning(
                "A reader died.", status=status, stderr=noise.decode("utf-8", errors="replace")
            )


@cache
def _tell_what_is_missing() -> None:
    for open_way in confinement.missing():
        logger.warning("The box is open on this machine.", towards=open_way)
