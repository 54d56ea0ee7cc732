"""Bodies flow both ways as they come, and an end on one side is an end on the other."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientSession
from common.testing import eventually

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
POST = b"POST /api/v1/documents HTTP/1.1\r\nHost: x\r\n"
MIB = 1 << 20


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def standing_still(progress: Callable[[], int]) -> Callable[[], Awaitable[bool]]:
    """Return a check that passes when five looks in a row have seen the same progress."""
    seen: list[int] = []

    async def check() -> bool:
        seen.append(progress())
        return len(seen) >= 5 and seen[-1] > 0 and len(set(seen[-5:])) == 1

    return check


async def test_an_answer_arrives_while_it_is_still_being_made(
    suite: Any, http: ClientSession
) -> None:
    seen = asyncio.Event()

    async def handler(_head: bytes, _reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(CHUNKED + chunk(b"first"))
        await seen.wait()  # deadlock, were the gateway to wait for the rest
        writer.write(chunk(b"second") + b"0\r\n\r\n")

    suite.documents.behave(handler)
    async with http.get(suite.url + "/api/v1/documents") as response:
        assert "Content-Length" not in response.headers
        assert await response.content.readany() == b"first"
        seen.set()
        assert await response.content.read() == b"second"


@pytest.mark.parametrize("length", [b"Content-Length: 11", b"Transfer-Encoding: chunked"])
async def test_a_body_arrives_while_it_is_still_being_sent(
    suite: Any, connected: Any, length: bytes
) -> None:
    received: asyncio.Queue[bytes] = asyncio.Queue()
    chunked = length.startswith(b"T")

    async def handler(_head: bytes, reader: StreamReader, writer: StreamWriter) -> None:
        for size in (5, 6):
            if chunked:
                assert int(await reader.readuntil(b"\r\n"), 16) == size
            received.put_nowait(await reader.readexactly(size))
            if chunked:
                await reader.readexactly(2)
        if chunked:
            assert await reader.readexactly(5) == b"0\r\n\r\n"
        writer.write(CREATED)

    suite.documents.behave(handler)
    async with connected(suite.url) as (reader, writer):
        writer.write(POST + length + b"\r\n\r\n")
        writer.write(chunk(b"first") if chunked else b"first")
        assert await received.get() == b"first"
        writer.write(chunk(b"second") + b"0\r\n\r\n" if chunked else b"second")
        assert await received.get() == b"second"
        assert b" 201 " in await reader.readuntil(b"\r\n\r\n")


async def test_a_large_request_is_announced_before_its_body(suite: Any, connected: Any) -> None:
    suite.documents.behave(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
    async with connected(suite.url) as (reader, writer):
        writer.write(POST + b"Content-Length: 1000000\r\n\r\n")
        assert b" 401 " in await reader.readuntil(b"\r\n\r\n")


async def test_both_directions_flow_at_once(suite: Any, connected: Any) -> None:
    async def echo(_head: bytes, reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(CHUNKED)
        while size := int(await reader.readuntil(b"\r\n"), 16):
            writer.write(chunk(await reader.readexactly(size)))
            await reader.readexactly(2)
        await reader.readexactly(2)
        writer.write(b"0\r\n\r\n")

    suite.documents.behave(echo)
    async with connected(suite.url) as (reader, writer):
        writer.write(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        for number in range(50):
            writer.write(chunk(b"%03d" % number))
            assert await reader.readuntil(b"%03d\r\n" % number)
        writer.write(b"0\r\n\r\n")
        assert (await reader.readuntil(b"0\r\n\r\n")).endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("willing", [True, False])
async def test_the_client_is_asked_for_the_body_when_the_service_asks(
    suite: Any, connected: Any, willing: bool
) -> None:
    async def handler(head: bytes, reader: StreamReader, writer: StreamWriter) -> None:
        assert b"expect: 100-continue" in head.lower()
        if not willing:
            writer.write(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")
            return
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await reader.readexactly(4) == b"body"
        writer.write(CREATED)

    suite.documents.behave(handler)
    async with connected(suite.url) as (reader, writer):
        writer.write(POST + b"Content-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        if willing:
            assert b" 100 " in await reader.readuntil(b"\r\n\r\n")
            writer.write(b"body")
        assert (b" 201 " if willing else b" 417 ") in await reader.readuntil(b"\r\n\r\n")


@pytest.mark.parametrize("moment", ["before the answer", "within the answer", "within the body"])
async def test_a_client_that_leaves_ends_the_request_at_the_service(
    suite: Any, connected: Any, moment: str
) -> None:
    arrived, ended = asyncio.Event(), asyncio.Event()

    async def handler(_head: bytes, reader: StreamReader, writer: StreamWriter) -> None:
        if moment == "within the answer":
            writer.write(CHUNKED + chunk(b"first"))
        if moment == "within the body":
            await reader.readexactly(5)
        arrived.set()
        assert await reader.read() == b""
        ended.set()

    suite.documents.behave(handler)
    async with connected(suite.url) as (reader, writer):
        body = b"Content-Length: 500\r\n\r\nfirst" if moment == "within the body" else b"\r\n"
        writer.write(POST + body)
        await arrived.wait()
        if moment == "within the answer":
            await reader.readuntil(b"first")
    await asyncio.wait_for(ended.wait(), 5)


@pytest.mark.parametrize(
    "beginning",
    [
        CHUNKED + chunk(b"half"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf",
        CHUNKED + b"8\r\nhalf",
    ],
)
async def test_an_answer_that_is_cut_is_never_taken_for_whole(
    suite: Any, http: ClientSession, beginning: bytes
) -> None:
    async def handler(_head: bytes, _reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(beginning)
        writer.close()

    suite.documents.behave(handler)
    async with http.get(suite.url + "/api/v1/documents") as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


async def test_a_client_that_reads_slowly_slows_the_service(suite: Any, connected: Any) -> None:
    written, total = 0, 64 * MIB

    async def handler(_head: bytes, _reader: StreamReader, writer: StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        while written < total:
            writer.write(bytes(MIB))
            await writer.drain()
            written += MIB

    suite.documents.behave(handler)
    async with connected(suite.url) as (reader, writer):
        writer.write(b"GET /api/v1/documents HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await eventually(standing_still(lambda: written))
        assert written < total // 2  # the rest waits at the service, not in the gateway
        for _ in range(total // MIB):
            await reader.readexactly(MIB)


async def test_a_service_that_reads_slowly_slows_the_client(suite: Any, connected: Any) -> None:
    sent, total = 0, 48 * MIB
    go_on = asyncio.Event()

    async def handler(_head: bytes, reader: StreamReader, writer: StreamWriter) -> None:
        await go_on.wait()
        for _ in range(total // MIB):
            await reader.readexactly(MIB)
        writer.write(CREATED)

    async def upload(writer: StreamWriter) -> None:
        nonlocal sent
        while sent < total:
            writer.write(bytes(MIB))
            await writer.drain()
            sent += MIB

    suite.documents.behave(handler)
    async with connected(suite.url) as (reader, writer):
        writer.write(POST + b"Content-Length: %d\r\n\r\n" % total)
        uploading = asyncio.create_task(upload(writer))
        await eventually(standing_still(lambda: sent))
        assert sent < total // 2
        go_on.set()
        assert b" 201 " in await reader.readuntil(b"\r\n\r\n")
        await uploading
