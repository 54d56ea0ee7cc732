"""The way to an S3 server: the `minio` client in threads, tried again when the server fails.

What a request may do to the one who waits: an attempt that gets no answer ends after
`s3_attempt_seconds`, and with all its repetitions a call ends after `s3_patience_seconds`. Nobody
holds a thread while waiting for the next attempt.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TypeVar
from xml.etree.ElementTree import ParseError

import structlog
import urllib3
from minio import Minio
from minio.error import MinioException, S3Error
from pydantic import AnyHttpUrl
from urllib3.exceptions import HTTPError

from common.errors import Unavailable
from common.settings import StorageSettings

logger = structlog.get_logger(__name__)

T = TypeVar("T")
Headers = dict[str, str | list[str] | tuple[str]]

THREADS = 16
"""How many requests are under way at once, in the whole process."""

_PAUSES = (0.1, 0.3, 0.9, 2.7)  # seconds, each half as long or up to half as long again
_TIDYING_SECONDS = 5.0
# An answer that is cut or is no XML counts as none.
_FAILURES = (MinioException, HTTPError, OSError, ParseError, UnicodeDecodeError)
_PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


class ObjectMissing(LookupError):
    """There is no object under this key."""


class MultipartMissing(LookupError):
    """There is no such upload in parts: it was completed or aborted."""


class S3:
    """One bucket of a server; `call` raises `Unavailable` when the server does not answer."""

    def __init__(self, settings: StorageSettings) -> None:
        self.bucket = settings.s3_bucket
        self.client = _client(settings, settings.s3_endpoint)
        public = settings.s3_public_endpoint
        self.public_client = _client(settings, public) if public else None
        self._patience = settings.s3_patience_seconds
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="s3")

    async def call(self, function: Callable[[], T]) -> T:
        """Do something with the client that may be done again, as often as it takes.

        Raises `ObjectMissing`, `MultipartMissing`; `Unavailable` for all that is the server's.
        """
        return await self._bounded(self._patience, lambda: self._attempts(function))

    async def call_once(self, function: Callable[[], T]) -> T:
        """Do something with the client that cannot be repeated; raises as `call` does."""
        return await self._bounded(self._patience, lambda: self._in_thread(function))

    async def tidy(self, function: Callable[[], object]) -> None:
        """Try to remove what a failure has left, for a few seconds; the rest is for sweepers.

        It goes on when whoever waits for it is cancelled.
        """

        async def tidy() -> None:
            try:
                await self._bounded(_TIDYING_SECONDS, lambda: self._in_thread(function))
            except (ObjectMissing, MultipartMissing, Unavailable) as error:
                logger.info("left in object storage, or gone already", error=repr(error))

        await asyncio.shield(tidy())

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _bounded(self, seconds: float, work: Callable[[], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(seconds):
                return await work()
        except S3Error as error:
            if error.code in ("NoSuchKey", "NoSuchObject"):
                raise ObjectMissing(error.object_name) from error
            if error.code == "NoSuchUpload":
                raise MultipartMissing(error.object_name) from error
            raise _unavailable(error) from error
        except _FAILURES as error:  # TimeoutError is an OSError
            raise _unavailable(error) from error

    async def _attempts(self, function: Callable[[], T]) -> T:
        for pause in _PAUSES:
            try:
                return await self._in_thread(function)
            except _FAILURES as error:
                if isinstance(error, S3Error) and not _passes(error):
                    raise
                logger.info("object storage is asked again", error=repr(error))
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - it is no secret
        return await self._in_thread(function)

    async def _in_thread(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)


def content_type_header(content_type: str) -> Headers:
    """Return what tells the server of which media type an object is."""
    return {"Content-Type": content_type}


def _client(settings: StorageSettings, endpoint: AnyHttpUrl) -> Minio:
    return Minio(
        f"{endpoint.host}:{endpoint.port}",
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key.get_secret_value(),
        secure=endpoint.scheme == "https",
        region="us-east-1",  # named, so that the client does not ask for it first
        http_client=urllib3.PoolManager(
            maxsize=THREADS,
            # Both alike: urllib3 lets sending take no longer than connecting, and a part is large.
            timeout=urllib3.Timeout(
                connect=settings.s3_attempt_seconds, read=settings.s3_attempt_seconds
            ),
            # Else it would repeat with the old signature, hold the thread meanwhile, obey a
            # server that says `Retry-After: 3600`, and never repeat a POST.
            retries=False,
        ),
    )


def _passes(error: S3Error) -> bool:
    """Tell whether the same request may succeed a moment later."""
    status = error.response.status
    return (
        status >= HTTPStatus.INTERNAL_SERVER_ERROR
        or status in _PASSING
        or (error.code in ("RequestTimeout", "SlowDown"))
    )


def _unavailable(error: Exception) -> Unavailable:
    logger.warning("object storage failed", error=repr(error))
    return Unavailable("The object storage does not answer.")
