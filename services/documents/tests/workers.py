"""Real ocr-workers beside the documents service, and an api that asks them."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil
from common.asking import Asker
from common.errors import Problem
from common.testing import eventually, serving
from contracts import OFFER_QUEUE, TOOLS_QUEUE, AskOffer, AskPdfInfo
from documents.app import create_api
from documents.settings import ApiSettings

CORPUS = Path(__file__).parents[3] / "tests" / "corpus"


@asynccontextmanager
async def api_client(
    settings: ApiSettings, headers: dict[str, str]
) -> AsyncIterator[httpx.AsyncClient]:
    """Serve an api with these settings, and make requests of it."""
    async with (
        serving(create_api(settings)) as url,
        httpx.AsyncClient(base_url=f"{url}/api/v1", headers=headers, timeout=60) as client,
    ):
        yield client


@asynccontextmanager
async def ocr_worker(settings: ApiSettings) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a worker that takes questions from the broker of these settings."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ocr_worker", "worker"),
        env={
            **{name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ},
            "QUIRE_PORT": str(port),
            "QUIRE_AMQP_URL": settings.amqp_url.get_secret_value(),
            "QUIRE_S3_ENDPOINT": str(settings.s3_endpoint),
            "QUIRE_S3_ACCESS_KEY": settings.s3_access_key,
            "QUIRE_S3_SECRET_KEY": settings.s3_secret_key.get_secret_value(),
            "QUIRE_S3_BUCKET": settings.s3_bucket,
            "QUIRE_PASSWORD_SEALING_KEY": settings.password_sealing_key.get_secret_value(),
            "QUIRE_SHUTDOWN_SECONDS": "5",
            "QUIRE_SLOTS": "2",
        },
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        await eventually(lambda: _answers(settings), within=60)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def is_busy(worker: asyncio.subprocess.Process) -> bool:
    """Tell whether a document is open in a worker."""
    return bool(psutil.Process(worker.pid).children())


async def _answers(settings: ApiSettings) -> bool:
    asker = Asker(settings.amqp_url.get_secret_value())
    try:
        await asker.ask(OFFER_QUEUE, AskOffer(), seconds=5)
        await asker.ask(TOOLS_QUEUE, AskPdfInfo(object_key="tmp/none"), seconds=5)
    except Problem as problem:
        return problem.slug == "document-gone"
    finally:
        await asker.close()
    return False
