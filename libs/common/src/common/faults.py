"""A proxy that breaks connections on purpose: for tests of what bears it, and of nothing else.

In front of any server it passes bytes on. In front of an HTTP server (`http=True`) each request
gets a connection of its own, so that a fault can be chosen for it by its first line.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

_PIECE_BYTES = 64 << 10
_LINGER_NOT = struct.pack("ii", 1, 0)  # close() sends RST then, and not FIN


@dataclass(frozen=True)
class Fault:
    """What happens to a connection; sizes are in bytes, of the answer without its head if HTTP."""

    delay: float = 0.0
    """Seconds before anything is passed on."""
    rate: float | None = None
    """Bytes a second, in each direction."""
    cut_request: int | None = None
    """How much of the request gets through before both sides are cut off."""
    cut_answer: int | None = None
    """How much of the answer gets through before both sides are cut off."""
    lose_answer: bool = False
    """Whether the server does as it was asked and nobody learns of it."""
    wrong_byte: int | None = None
    """Which byte of the answer is another than was sent."""
    reset: bool = True
    """Whether a cut is an RST; else a FIN, as of a server that closes in good order."""
    black_hole: bool = False
    """Whether everything is taken and nothing ever answered."""
    answer: bytes | None = None
    """What is answered in the server's place."""


def http_error(status: int, reason: str, code: str) -> bytes:
    """Return an answer as S3 servers give it when they fail."""
    body = f"<Error><Code>{code}</Code><Message/></Error>"
    return (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/xml\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
    ).encode()


SLOW_DOWN = http_error(503, "Service Unavailable", "SlowDown")
INTERNAL_ERROR = http_error(500, "Internal Server Error", "InternalError")

Choose = Callable[[bytes], Fault | None]
"""Which fault a request suffers, by its first line (b"" unless the proxy is for HTTP)."""


class _Cut(Exception):
    """The connection ends here."""


class FaultProxy:
    """Stands in front of a server, on a loopback port of its own."""

    def __init__(self, host: str, port: int, *, http: bool = False) -> None:
        self._upstream = (host, port)
        self._http = http
        self._choose: Choose = _none
        self._running: set[asyncio.Task[None]] = set()
        self.port = 0
        self.requests: list[bytes] = []
        """The first lines of all requests so far."""

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._running)

    def suffer(self, fault: Fault | None, *, where: bytes = b"", times: int | None = None) -> None:
        """Let requests with this in their first line suffer a fault: all, or so many."""
        left = times

        def choose(request: bytes) -> Fault | None:
            nonlocal left
            if where not in request or left == 0:
                return None
            left = left - 1 if left is not None else None
            return fault

        self._choose = choose

    def suffer_as(self, choose: Choose) -> None:
        """Let each request suffer what is chosen for it."""
        self._choose = choose

    def heal(self) -> None:
        """Pass everything on from now, and cut off what hangs."""
        self._choose = _none
        for task in self._running:
            task.cancel()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["FaultProxy"]:
        """Serve meanwhile."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            running = list(self._running)
            self.heal()
            await asyncio.gather(*running, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for the type checker
        self._running.add(task)
        fault = None
        try:
            head = await reader.readuntil(b"\r\n\r\n") if self._http else b""
            line = head.partition(b"\r\n")[0]
            self.requests.append(line)
            fault = self._choose(line) or Fault()
            await self._serve(fault, head, reader, writer)
        except (OSError, _Cut, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # whoever broke it off: both sides are closed below
        finally:
            _close(writer, reset=fault is not None and fault != Fault() and fault.reset)
            self._running.discard(task)

    async def _serve(
        self, fault: Fault, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await asyncio.sleep(fault.delay)
        if fault.answer is not None:
            writer.write(fault.answer)
            writer.write_eof()
        if fault.answer is not None or fault.black_hole:
            while await reader.read(_PIECE_BYTES):
                pass
            return
        upstream, server = await asyncio.open_connection(*self._upstream)
        try:
            if self._http:
                # What is not signed may be added: the server closes, and the answer ends there.
                server.write(head[:-2] + b"Connection: close\r\n\r\n")
            sending = asyncio.create_task(_pipe(reader, server, fault, cut=fault.cut_request))
            answering = asyncio.create_task(self._answer(upstream, writer, fault))
            try:
                both = {sending, answering}
                done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_EXCEPTION)
                for task in done:
                    task.result()
            finally:
                sending.cancel()
                answering.cancel()
        finally:
            _close(server, reset=fault.cut_request is not None)

    async def _answer(
        self, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault
    ) -> None:
        if self._http:
            head = await upstream.readuntil(b"\r\n\r\n")
            if fault.lose_answer:
                raise _Cut
            writer.write(head)
        await _pipe(upstream, writer, fault, cut=fault.cut_answer, wrong=fault.wrong_byte)
        if self._http:
            raise _Cut  # the exchange is over, whatever the client keeps open


async def _pipe(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    fault: Fault,
    *,
    cut: int | None,
    wrong: int | None = None,
) -> None:
    passed = 0
    size = min(_PIECE_BYTES, int(fault.rate / 20) + 1) if fault.rate else _PIECE_BYTES
    while data := await reader.read(size):
        if cut is not None and passed + len(data) >= cut:
            writer.write(data[: cut - passed])
            with contextlib.suppress(OSError):
                await writer.drain()
            raise _Cut
        if wrong is not None and passed <= wrong < passed + len(data):
            spot = wrong - passed
            data = data[:spot] + bytes([data[spot] ^ 0xFF]) + data[spot + 1 :]
        writer.write(data)
        await writer.drain()
        passed += len(data)
        if fault.rate:
            await asyncio.sleep(len(data) / fault.rate)
    with contextlib.suppress(OSError):
        writer.write_eof()


def _close(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if reset:
        connection: socket.socket = writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        writer.transport.abort()
    else:
        writer.close()


def _none(_: bytes) -> Fault | None:
    return None
