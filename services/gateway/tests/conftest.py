"""Real sockets on all sides: gateways in this process and beside it, and services to the byte."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvicorn
from common.testing import TokenIssuer, eventually
from gateway.app import create_api
from gateway.settings import ApiSettings

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Handler = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def urls(services: dict[str, str]) -> dict[str, str]:
    """Return a URL for each service; one that is not named is down."""
    down = f"http://127.0.0.1:{free_port()}"
    return {f"{name}_url": services.get(name, down) for name in ("auth", "documents", "notifier")}


def answering(answer: bytes) -> Handler:
    async def handler(_: bytes, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return handler


@dataclass
class RawService:
    """A service written to the byte: it gets each request's head and answers as it likes."""

    url: str = ""
    handler: Handler = field(default_factory=lambda: answering(OK))
    heads: list[bytes] = field(default_factory=list)
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    def behave(self, behaviour: Handler | bytes) -> None:
        """Forget what was, and from now on answer like this."""

        self.handler = answering(behaviour) if isinstance(behaviour, bytes) else behaviour
        self.heads.clear()

    @property
    def connections(self) -> int:
        return len(self.tasks)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self.tasks.append(task)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                await self.handler(head, reader, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        if self.tasks:
            await asyncio.wait(self.tasks)


@pytest.fixture(scope="session")
def raw_service() -> Callable[..., Any]:
    """Open a service from a handler, or from the bytes of the one answer that it knows."""

    @asynccontextmanager
    async def opened(behaviour: Handler | bytes) -> AsyncIterator[RawService]:
        service = RawService()
        service.behave(behaviour)
        server = await asyncio.start_server(service.serve, "127.0.0.1", 0, limit=1 << 20)
        service.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield service
        finally:
            server.close()
            await service.close()

    return opened


@pytest.fixture(scope="session")
def surroundings(infrastructure: Any, issuer: TokenIssuer) -> dict[str, str]:
    """Whose tokens a gateway believes, and where it hears which are denied."""
    return {"redis_url": infrastructure.redis_url, "jwks_url": issuer.jwks_url}


@pytest.fixture(scope="session")
def gateway(surroundings: dict[str, str]) -> Callable[..., Any]:
    """Open a gateway in this process, before services by name; yields its URL."""

    @asynccontextmanager
    async def opened(settings: dict[str, Any] | None = None, **services: str) -> AsyncIterator[str]:
        chosen = {"port": 0, **surroundings, **urls(services), **(settings or {})}
        app = create_api(ApiSettings.model_validate(chosen))
        config = uvicorn.Config(
            app, host="127.0.0.1", port=0, log_config=None, access_log=False, proxy_headers=False
        )
        server = uvicorn.Server(config)
        server.capture_signals = nullcontext  # type: ignore[assignment,method-assign]  # pytest's
        task = asyncio.create_task(server.serve())

        async def started() -> bool:
            assert not task.done()
            return server.started

        try:
            await eventually(started)
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            server.should_exit = True
            await task

    return opened


@dataclass
class Suite:
    """A gateway with its usual settings and all its services."""

    url: str
    auth: RawService
    documents: RawService
    notifier: RawService


@pytest.fixture(scope="session")
async def running_suite(gateway: Any, raw_service: Any) -> AsyncIterator[Suite]:
    async with raw_service(OK) as auth, raw_service(OK) as documents, raw_service(OK) as notifier:
        services = {"auth": auth, "documents": documents, "notifier": notifier}
        async with gateway(**{name: each.url for name, each in services.items()}) as url:
            yield Suite(url, **services)


@pytest.fixture
def suite(running_suite: Suite) -> Suite:
    """The suite, its services answering `ok` until a test tells them otherwise."""
    for service in (running_suite.auth, running_suite.documents, running_suite.notifier):
        service.behave(OK)
    return running_suite


@dataclass(frozen=True)
class Process:
    """A gateway in a process of its own, as in production."""

    url: str
    pid: int

    @property
    def open_files(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    @property
    def peak_memory(self) -> int:
        """Return the most memory the process has held at a time, in bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) << 10


@pytest.fixture(scope="session")
def gateway_process(surroundings: dict[str, str]) -> Callable[..., Any]:
    """Run `python -m gateway api` before services by name."""

    @asynccontextmanager
    async def opened(
        settings: dict[str, Any] | None = None, **services: str
    ) -> AsyncIterator[Process]:
        port = free_port()
        chosen = {
            "port": port,
            "log_level": "ERROR",
            **surroundings,
            **urls(services),
            **(settings or {}),
        }
        variables = {f"QUIRE_{name.upper()}": str(value) for name, value in chosen.items()}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "api", env={**os.environ, **variables}
        )
        url = f"http://127.0.0.1:{port}"
        try:
            async with aiohttp.ClientSession() as http:
                await eventually(lambda: _answers(http, url))
            yield Process(url, process.pid)
        finally:
            process.terminate()
            await process.wait()

    return opened


async def _answers(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url + "/health/live") as response:
            return response.status == 200
    except aiohttp.ClientConnectionError:
        return False


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


@pytest.fixture(scope="session")
def connected() -> Callable[..., Any]:
    """Open a bare TCP connection, for what no HTTP client would send."""

    @asynccontextmanager
    async def opened(
        url: str,
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        try:
            yield reader, writer
        finally:
            writer.close()

    return opened
