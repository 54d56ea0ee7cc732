"""One client's socket: a bounded queue of what it has still to be sent, and one task that sends.

Nobody who has something to tell a client ever waits for it. A client that reads too slowly is
closed, so that it knows that it has missed something and nobody else is held up.
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass

import structlog
from common.security import User
from fastapi import WebSocket, WebSocketDisconnect
from prometheus_client import Counter, Gauge
from pydantic import ValidationError

from notifier.errors import SlowReader, SocketRefused, TokenExpired
from notifier.messages import ErrorMessage, Ping, Pong, SocketMessage
from notifier.streams import Offset

logger = structlog.get_logger(__name__)

sockets_open = Gauge("notifier_sockets_open", "Sockets that are being served.")
sockets_refused = Counter("notifier_sockets_refused", "Sockets that we closed.", ["code"])

_CLOSE_SECONDS = 5.0


@dataclass(frozen=True)
class Frame:
    """A message as it goes over the wire, the same object for every socket it goes to."""

    text: str
    size: int
    """Bytes."""
    offset: Offset

    @classmethod
    def of(cls, message: SocketMessage, offset: Offset) -> "Frame":
        """Encode a message that is for one socket."""
        text = message.encode()
        return cls(text, len(text.encode()), offset)


@dataclass(frozen=True)
class QueueLimits:
    """How far behind a client may fall."""

    max_bytes: int
    max_seconds: float


class Socket:
    """A client that has been let in."""

    def __init__(self, websocket: WebSocket, user: User, limits: QueueLimits) -> None:
        self.user = user
        self._websocket = websocket
        self._limits = limits
        self._queue: deque[tuple[Frame, float]] = deque()
        self._queued_bytes = 0
        self._filled = asyncio.Event()
        self._refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._offset = Offset(0, 0)

    def push(self, frame: Frame) -> None:
        """Queue a message; a client that is too far behind already is refused instead."""
        if self._refused.done():
            return
        if self._queued_bytes + frame.size > self._limits.max_bytes:
            self.refuse(SlowReader())
            return
        self._offset = frame.offset
        self._queued_bytes += frame.size
        self._queue.append((frame, asyncio.get_running_loop().time()))
        self._filled.set()

    def refuse(self, refusal: SocketRefused) -> None:
        """Let the client go, for the first reason that comes up."""
        if not self._refused.done():
            self._refused.set_exception(refusal)

    async def run(self, *, until: float) -> None:
        """Serve the client until it goes away; raises `SocketRefused` when it must go.

        `until` is the time, in Unix seconds, at which its right to be here ends.
        """
        loop = asyncio.get_running_loop()
        expiry = loop.call_later(max(0.0, until - time.time()), self.refuse, TokenExpired())
        parts = [
            asyncio.ensure_future(self._send()),
            asyncio.ensure_future(self._receive()),
            self._refused,
        ]
        sockets_open.inc()
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sockets_open.dec()
            expiry.cancel()
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
            self._queue.clear()
        for part in done:
            part.result()

    async def _send(self) -> None:
        while True:
            while self._queue:
                frame, queued_at = self._queue[0]
                try:
                    async with asyncio.timeout_at(queued_at + self._limits.max_seconds):
                        await self._websocket.send_text(frame.text)
                except TimeoutError:
                    raise SlowReader from None
                except (WebSocketDisconnect, RuntimeError):
                    # The server, which saw it first, has closed the connection.
                    return
                self._queue.popleft()
                self._queued_bytes -= frame.size
            self._filled.clear()
            await self._filled.wait()

    async def _receive(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            self._answer(message.get("text"))

    def _answer(self, text: str | None) -> None:
        answer: SocketMessage
        try:
            Ping.model_validate_json(text or "")
        except ValidationError:
            answer = ErrorMessage(
                offset=str(self._offset), detail="This is no message that is known here."
            )
        else:
            answer = Pong(offset=str(self._offset))
        self.push(Frame.of(answer, self._offset))


async def close(websocket: WebSocket, refusal: SocketRefused) -> None:
    """Close a socket and tell its client why, if the client still listens."""
    sockets_refused.labels(refusal.code).inc()
    try:
        # The close frame waits behind what the client has not read; for ever, if it never reads.
        async with asyncio.timeout(_CLOSE_SECONDS):
            await websocket.close(refusal.code, refusal.reason)
    except (TimeoutError, WebSocketDisconnect, RuntimeError):
        logger.debug("the client did not hear why", code=refusal.code)
