"""Requests a second through the gateway, beside a proxy as one writes it first (FastAPI + httpx).

    python bench/gateway_proxy.py [seconds]

Client, proxy and service are processes of their own and share the machine's cores, so that the
numbers compare with each other and not with those of another machine.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import cast

import httpx
import uvicorn
import uvloop
from fastapi import FastAPI, Request, Response

ROUNDS = 3
CONNECTIONS = 32
PATH = "/api/v1/documents/1"
REQUEST = f"GET {PATH} HTTP/1.1\r\nHost: bench\r\nAccept: */*\r\n\r\n".encode()
BODY = b'{"id":1,"title":"' + b"x" * 400 + b'"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    len(BODY),
    BODY,
)


class Service(asyncio.Protocol):
    """Answers at once, so that it is never what limits."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(ANSWER * data.count(b"\r\n\r\n"))


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Service, "127.0.0.1", port)
    await server.serve_forever()


def naive_proxy(service: str) -> FastAPI:
    app = FastAPI()
    client = httpx.AsyncClient(limits=httpx.Limits(max_connections=None))

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def forward(path: str, request: Request) -> Response:
        answer = await client.request(
            request.method,
            f"{service}/{path}",
            headers=[(n, v) for n, v in request.headers.raw if n != b"host"],
            content=await request.body(),
        )
        return Response(answer.content, answer.status_code, dict(answer.headers))

    return app


async def ask(port: int, until: float, waits: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (started := time.perf_counter()) < until:
        writer.write(REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        await reader.readexactly(len(BODY))
        waits.append(time.perf_counter() - started)
    writer.close()


async def measure(port: int, seconds: float) -> tuple[float, float]:
    """Return requests a second and the 99th percentile of the waits, in milliseconds."""
    await ask(port, time.perf_counter() + 1, [])
    waits: list[float] = []
    until = time.perf_counter() + seconds
    await asyncio.gather(*(ask(port, until, waits) for _ in range(CONNECTIONS)))
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
    service, port = free_port(), free_port()
    url = f"http://127.0.0.1:{service}"
    settings = {f"QUIRE_{name}_URL": url for name in ("AUTH", "DOCUMENTS", "NOTIFIER")}
    rivals = {
        "service itself": None,
        "gateway": (["-m", "gateway", "api"], {**settings, "QUIRE_PORT": str(port)}),
        "gateway, no access log": (
            ["-m", "gateway", "api"],
            {**settings, "QUIRE_PORT": str(port), "QUIRE_LOG_LEVEL": "WARNING"},
        ),
        "FastAPI + httpx": ([__file__, "naive", str(port), url], {}),
    }
    print(
        f"{ROUNDS} rounds in turn, {CONNECTIONS} connections, {seconds:g} s each, "
        f"{os.cpu_count()} cores shared by all, body {len(BODY)} bytes"
    )
    rates: dict[str, list[float]] = {name: [] for name in rivals}
    waits: dict[str, list[float]] = {name: [] for name in rivals}
    with process(__file__, "service", str(service), port=service):
        for _ in range(ROUNDS):
            for name, rival in rivals.items():
                if rival is None:
                    rate, p99 = uvloop.run(measure(service, seconds))
                else:
                    arguments, environment = rival
                    with process(*arguments, port=port, **environment):
                        rate, p99 = uvloop.run(measure(port, seconds))
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
        uvloop.run(serve(int(sys.argv[2])))
    elif sys.argv[1:2] == ["naive"]:
        uvicorn.run(naive_proxy(sys.argv[3]), port=int(sys.argv[2]), log_level="warning")
    else:
        main()
