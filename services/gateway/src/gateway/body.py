"""The client's half of an exchange: its body, taken as fast as the service reads it, no faster."""

import asyncio
from typing import cast

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload
from starlette.types import Receive

from gateway.early_answer import hear_out
from gateway.patience import Patience

# Below this a request's head and body leave in one write; above it the head goes ahead, so that
# a service can refuse by the head alone.
_SMALL_BODY = 64 << 10


class BodyCut(Exception):
    """The body ends here: the client left, or has sent too much."""


class RequestBody(Payload):
    """A request's body, as what aiohttp sends.

    It is the only reader of `receive`, and goes on listening after the last byte: a client that
    leaves ends the exchange.
    """

    def __init__(
        self, receive: Receive, patience: Patience, *, length: int | None, limit: int
    ) -> None:
        super().__init__(None)
        self._receive = receive
        self._patience = patience
        self.limit = limit
        self._head_goes_ahead = length is None or length > _SMALL_BODY
        self._received = 0
        self._wanted = True
        self._watcher: asyncio.Task[None] | None = None
        self.complete = length == 0
        self.client_left = False
        self.too_large = False

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send the body on, piece by piece, each when the one before it has been taken."""
        transport = cast("asyncio.Transport", writer.transport)
        hear_out(transport)
        try:
            if self._head_goes_ahead:
                writer.send_headers()
            while not self.complete:
                piece = await self._next_piece()
                if not self._wanted or transport.is_closing():
                    break
                await writer.write(piece)
        except OSError:
            self._wanted = False
        if transport.is_closing() or not self._wanted:
            await self._discard_the_rest()
        self.watch()

    async def write_with_length(self, writer: AbstractStreamWriter, _: int | None) -> None:
        """Send the body on; the server that took it has seen to its length."""
        await self.write(writer)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Refuse: a stream can be read once, and is not held."""
        raise TypeError("a request body is a stream")

    def stop(self) -> None:
        """Send no more: the service has answered and is closing the connection."""
        self._wanted = False

    def watch(self) -> None:
        """Listen for the client's leaving, from now on."""
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._await_disconnect())

    def stop_watching(self) -> None:
        """Stop listening."""
        if self._watcher is not None:
            self._watcher.cancel()

    async def _next_piece(self) -> bytes:
        self._patience.suspend()
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.client_left = True
        else:
            self._received += len(message["body"])
            self.too_large = self._wanted and self._received > self.limit
            self.complete = not message["more_body"]
        if self.client_left or self.too_large:
            self._patience.end()
            raise BodyCut
        self._patience.renew()
        return cast("bytes", message["body"])

    async def _discard_the_rest(self) -> None:
        """Take what the client still sends, since many look at the answer only afterwards.

        It does not return, as aiohttp would take that for the end of a body sent whole: it ends
        the task that runs this when it has read the answer, or has seen that there is none.
        """
        while not self.complete:
            await self._next_piece()
        self.watch()
        await asyncio.Event().wait()

    async def _await_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.client_left = True
        self._patience.end()
