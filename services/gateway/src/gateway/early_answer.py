"""Hearing a service out that answers before it has read the request.

It may close its connection then, and whatever is still written to it fails. An asyncio transport
takes a failed write for the end and forgets what has arrived and not been read: measured, every
second early 413 was lost so. The kernel does keep it, as long as somebody holds the socket.
"""

import asyncio
import os
from typing import cast

_READ_BYTES = 64 << 10


class LastWords(asyncio.Protocol):
    """Stands before a connection's protocol and reads a broken connection out before its end."""

    def __init__(self, protocol: asyncio.Protocol, descriptor: int) -> None:
        self._protocol = protocol
        self._descriptor = os.dup(descriptor)

    def data_received(self, data: bytes) -> None:
        """Pass on."""
        self._protocol.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass on."""
        return self._protocol.eof_received()

    def pause_writing(self) -> None:
        """Pass on."""
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """Pass on."""
        self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass on what the kernel still holds, then the loss."""
        try:
            if exc is not None:
                while data := os.read(self._descriptor, _READ_BYTES):
                    self._protocol.data_received(data)
        except OSError:
            pass  # no more to read: the other side has reset the connection
        finally:
            os.close(self._descriptor)
            self._protocol.connection_lost(exc)


def hear_out(transport: asyncio.Transport) -> None:
    """Make sure that nothing which has arrived on this connection is lost when writing fails."""
    protocol = transport.get_protocol()
    connection = transport.get_extra_info("socket")
    encrypted = transport.get_extra_info("sslcontext") is not None
    if isinstance(protocol, LastWords) or connection is None or encrypted:
        return
    transport.set_protocol(LastWords(cast("asyncio.Protocol", protocol), connection.fileno()))
