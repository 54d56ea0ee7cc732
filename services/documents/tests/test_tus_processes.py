"""Uploads while real processes are killed, stand still, or fill up."""

import asyncio
import hashlib
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from random import Random
from uuid import UUID

import httpx
import pytest
from common.testing import TokenIssuer, eventually
from documents.settings import ApiSettings
from pydantic import SecretStr
from tus_client import CutClient, TusClient, random_pdf

MIB = 1 << 20


class Replica:
    """A process of the api, and how to speak to it."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, token: str) -> None:
        self.process = process
        self.cutter = CutClient(url, {"Authorization": token})
        self.http = httpx.AsyncClient(
            base_url=f"{url}/api/v1", headers={"Authorization": token}, timeout=60
        )
        self.tus = TusClient(self.http)

    @property
    def peak_bytes(self) -> int:
        """The most memory that it ever had."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found
        return int(found[1]) << 10


StartReplica = Callable[[], AbstractAsyncContextManager[Replica]]


@pytest.fixture
def replica(settings: ApiSettings, issuer: TokenIssuer, user_id: UUID) -> StartReplica:
    """Start processes of the api; they are killed in the end, if they are not by then."""
    token = issuer.headers(user_id)["Authorization"]

    @asynccontextmanager
    async def start() -> AsyncIterator[Replica]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        given = {**settings.model_dump(exclude_none=True), "port": port, "host": "127.0.0.1"}
        env = {
            f"QUIRE_{name}".upper(): str(
                value.get_secret_value() if isinstance(value, SecretStr) else value
            )
            for name, value in given.items()
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "documents", "api"),
            env={**os.environ, **env},
            stdout=asyncio.subprocess.DEVNULL,
        )
        replica = Replica(process, f"http://127.0.0.1:{port}", token)

        async def ready() -> bool:
            try:
                return (await replica.http.options("/uploads")).is_success
            except httpx.TransportError:
                return False

        try:
            await eventually(ready, within=60)
            yield replica
        finally:
            await replica.http.aclose()
            if process.returncode is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                await process.wait()

    return start


@pytest.mark.parametrize("seed", range(3))
async def test_after_a_kill_the_offset_is_what_is_stored(replica: StartReplica, seed: int) -> None:
    data = random_pdf(26 * MIB, seed=50 + seed)
    random = Random(seed)
    async with replica() as first:
        path = await first.tus.begin(len(data))
        _, writer = await first.cutter.patch(path, 0, length=len(data))
        sent = random.randrange(17 * MIB, 25 * MIB)
        writer.write(data[:sent])
        await writer.drain()
        first.process.kill()
        await first.process.wait()
        writer.close()
    async with replica() as second:
        offset = await second.tus.offset(path)
        assert offset <= sent
        answer = await second.tus.patch(path, offset, data[offset:])
        assert answer.status_code == 204, answer.text
        await is_stored(second, answer.headers["x-document-id"], data)


async def test_whoever_stood_still_for_too_long_can_write_no_more(replica: StartReplica) -> None:
    """The lease lapses within seconds, another replica goes on, and the first one wakes up."""
    data, stale = random_pdf(26 * MIB, seed=60), random_pdf(26 * MIB, seed=61)
    async with replica() as first, replica() as second:
        path = await first.tus.begin(len(data))
        reader, writer = await first.cutter.patch(path, 0, length=len(data))
        writer.write(stale[: 5 * MIB])  # less than a part: it is in the process's memory only
        await writer.drain()
        first.process.send_signal(signal.SIGSTOP)

        answer = await second.tus.patch(path, 0, data[: 20 * MIB])
        assert answer.status_code == 204, answer.text
        first.process.send_signal(signal.SIGCONT)
        writer.write(stale[5 * MIB : 12 * MIB])
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 423 ")
        writer.close()

        assert await second.tus.offset(path) == 20 * MIB
        answer = await first.tus.patch(path, 20 * MIB, data[20 * MIB :])
        await is_stored(second, answer.headers["x-document-id"], data)


async def test_memory_does_not_grow_with_the_file(replica: StartReplica) -> None:
    block = Random(7).randbytes(MIB)
    size = 256

    async def body() -> AsyncIterator[bytes]:
        yield b"%PDF-1.7" + block[8:]
        for _ in range(size - 1):
            yield block

    async with replica() as api:
        small = random_pdf(3000, seed=62)
        assert (await api.tus.create(len(small), data=small)).status_code == 201
        idle = api.peak_bytes
        path = await api.tus.begin(size * MIB)
        answer = await api.tus.patch(path, 0, body())
        assert answer.status_code == 204, answer.text
        grown = api.peak_bytes - idle
        assert grown <= 64 * MIB, f"{grown / MIB:.0f} MiB"


async def is_stored(replica: Replica, document_id: str, data: bytes) -> None:
    document = (await replica.http.get(f"/documents/{document_id}")).json()
    assert document["file_hash"] == hashlib.sha256(data).hexdigest()
    stored = (await replica.http.get(f"/documents/{document_id}/download")).content
    assert hashlib.sha256(stored).hexdigest() == document["file_hash"]
