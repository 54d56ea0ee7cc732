"""Memory does not grow with the files that flow through."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from client import Client
from common.testing import eventually
from native.stack import Stack

MEBIBYTE = 1 << 20
SIZE = 200 * MEBIBYTE
EXTRA = 64 * MEBIBYTE
LARGE = {"QUIRE_MAX_FILE_BYTES": str(256 * MEBIBYTE), "QUIRE_MAX_BODY_BYTES": str(256 * MEBIBYTE)}


class Process:
    """A process of the suite with limits that let a large file through."""

    def __init__(self, module: str, environment: dict[str, str]) -> None:
        self.url = f"http://127.0.0.1:{environment['QUIRE_PORT']}"
        self._module = module
        self._environment = {"PATH": os.environ["PATH"], **environment, **LARGE}

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._module,
            "api",
            env=self._environment,
            stdout=asyncio.subprocess.DEVNULL,
        )

        async def answers() -> bool:
            async with httpx.AsyncClient() as http:
                try:
                    return (await http.get(f"{self.url}/readyz")).status_code == 200
                except httpx.ConnectError:
                    return False

        await eventually(answers)

    async def stop(self) -> None:
        self._process.terminate()
        await self._process.wait()

    def memory(self, what: str) -> int:
        """Return VmRSS (now) or VmHWM (the most so far), in bytes."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        match = re.search(rf"{what}:\s+(\d+) kB", status)
        assert match
        return int(match[1]) * 1024


@pytest.fixture
async def processes(
    stack: Stack, unused_tcp_port_factory: Callable[[], int]
) -> AsyncIterator[tuple[Process, Process]]:
    """Start a gateway and a documents api beside the suite's own."""
    port, documents_port = str(unused_tcp_port_factory()), str(unused_tcp_port_factory())
    documents = Process("documents", {**stack.env("documents-api"), "QUIRE_PORT": documents_port})
    route = {"QUIRE_DOCUMENTS_URL": documents.url}
    gateway = Process("gateway", {**stack.env("gateway"), **route, "QUIRE_PORT": port})
    await documents.start()
    await gateway.start()
    yield gateway, documents
    await gateway.stop()
    await documents.stop()


async def form() -> AsyncIterator[bytes]:
    disposition = b'Content-Disposition: form-data; name="file"; filename="big.tif"'
    yield b"--x\r\n" + disposition + b"\r\n\r\nII*\x00"
    for _ in range(SIZE // MEBIBYTE):
        yield bytes(MEBIBYTE)
    yield b"\r\n--x--\r\n"


@pytest.mark.timeout(180)
async def test_200_mb_pass_in_less_than_64_mb(processes: tuple[Process, Process]) -> None:
    user = await Client(processes[0].url).sign_up()
    await user.http.get("/documents")
    before = [process.memory("VmRSS") for process in processes]

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    response = await user.http.post("/documents", content=form(), headers=headers)
    document = response.raise_for_status().json()
    size = 0
    async with user.http.stream("GET", f"/documents/{document['id']}/download") as download:
        async for chunk in download.aiter_bytes():
            size += len(chunk)

    grown = [process.memory("VmHWM") - was for process, was in zip(processes, before, strict=True)]
    print(f"grown by {[f'{extra / MEBIBYTE:.1f} MiB' for extra in grown]} (gateway, documents)")
    assert document["file_size"] == size == SIZE + 4
    assert all(extra < EXTRA for extra in grown), grown
    await user.http.aclose()
