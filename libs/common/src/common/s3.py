"""The way to an S3 server: the `minio` client in a thread pool of its own, and its errors."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

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

_THREADS = 16


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
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="s3")

    async def call(self, function: Callable[[], T]) -> T:
        """Do something with the client in a thread.

        Raises `ObjectMissing`, `MultipartMissing`; `Unavailable` for all that is the server's.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, function)
        except S3Error as error:
            if error.code in ("NoSuchKey", "NoSuchObject"):
                raise ObjectMissing(error.object_name) from error
            if error.code == "NoSuchUpload":
                raise MultipartMissing(error.object_name) from error
            raise _unavailable(error) from error
        except (MinioException, HTTPError, OSError) as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)


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
            maxsize=_THREADS,
            timeout=urllib3.Timeout(connect=3, read=30),
            retries=urllib3.Retry(
                total=3, backoff_factor=0.2, status_forcelist=(500, 502, 503, 504)
            ),
        ),
    )


def _unavailable(error: Exception) -> Unavailable:
    logger.warning("object storage failed", error=repr(error))
    return Unavailable("The object storage does not answer.")
