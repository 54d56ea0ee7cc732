"""A request that could be read in two ways reaches no service, and no second one hides in it."""

from asyncio import StreamReader, StreamWriter
from typing import Any

import pytest

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HIDDEN = b"GET /api/v1/documents/hidden HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 0\r\n",
        b"Content-Length: 0\r\nContent-Length: 0\r\n",
        b"Content-Length: 0, 5\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 0x5\r\n",
        b"Content-Length: 5 5\r\n",
        b"Content-Length: 99999999999999999999999\r\n",
        b"Host: other\r\n",
        b"X-A: a\x00b\r\n",
        b"X-A: a\rX-B: b\r\n",
        b"X-A: a\r\n X-B: folded\r\n",
        b"X-A a\r\n",
        b"X A: a\r\n",
        b": a\r\n",
    ],
)
async def test_an_ambiguous_request_is_refused(suite: Any, connected: Any, fields: bytes) -> None:
    async with connected(suite.url) as (reader, writer):
        writer.write(b"POST /api/v1/documents HTTP/1.1\r\nHost: x\r\n" + fields + b"\r\n" + HIDDEN)
        assert b" 400 " in await reader.readuntil(b"\r\n\r\n")
        await reader.read()  # to the end: the connection is closed
    assert not suite.documents.heads


@pytest.mark.parametrize(
    "body",
    [
        b"5\r\nhello\r\n0\r\n" + HIDDEN,  # the trailer section holds it
        b"5;ext=1\r\nhello\r\n0\r\n\r\n",
        b"05\r\nhello\r\n0\r\n\r\n",
    ],
)
async def test_a_chunked_body_is_framed_anew(suite: Any, connected: Any, body: bytes) -> None:
    bodies = []

    async def handler(head: bytes, reader: StreamReader, writer: StreamWriter) -> None:
        if head.startswith(b"POST"):
            bodies.append(await reader.readuntil(b"0\r\n\r\n"))
        writer.write(OK)

    suite.documents.behave(handler)
    async with connected(suite.url) as (reader, writer):
        writer.write(b"POST /api/v1/documents HTTP/1.1\r\nHost: x\r\n")
        writer.write(b"Transfer-Encoding: chunked\r\n\r\n" + body)
        status = (await reader.readuntil(b"\r\n\r\n")).split()[1]
    assert not any(b"hidden" in head for head in suite.documents.heads)
    assert (status, bodies) in [(b"200", [b"5\r\nhello\r\n0\r\n\r\n"]), (b"400", [])]


async def test_a_request_without_host_is_refused(suite: Any, connected: Any) -> None:
    async with connected(suite.url) as (reader, writer):
        writer.write(b"GET /api/v1/documents HTTP/1.1\r\n\r\n")
        assert b" 400 " in await reader.readuntil(b"\r\n\r\n")
    assert not suite.documents.heads


async def test_an_upgrade_that_is_none_leaves_nothing_behind(suite: Any, connected: Any) -> None:
    async with connected(suite.url) as (reader, writer):
        writer.write(
            b"GET /api/v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 7\r\n\r\n"
        )
        writer.write(HIDDEN.replace(b"documents", b"ws"))
        assert b" 400 " in await reader.readuntil(b"\r\n\r\n")
        await reader.read()
    assert not suite.notifier.heads


async def test_a_service_cannot_split_an_answer(suite: Any, connected: Any) -> None:
    suite.documents.behave(b"HTTP/1.1 200 OK\r\nX-A: a\rX-Evil: 1\r\nContent-Length: 0\r\n\r\n")
    async with connected(suite.url) as (reader, writer):
        writer.write(b"GET /api/v1/documents HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
    assert b" 502 " in head
    assert b"x-evil" not in head.lower()
