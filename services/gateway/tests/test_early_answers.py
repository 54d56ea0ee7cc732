"""An answer that a service gives before it has read the request reaches the client as it is."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections import Counter
from typing import Any

import pytest
from aiohttp import ClientSession
from common.testing import eventually

REFUSAL = b'{"type":"about:blank","title":"Too large for me","status":413}'


async def refuse_and_close(_: bytes, _reader: StreamReader, writer: StreamWriter) -> None:
    writer.write(
        b"HTTP/1.1 413 Content Too Large\r\nContent-Type: application/problem+json\r\n"
        b"Connection: close\r\nX-Mine: 1\r\nContent-Length: %d\r\n\r\n%s" % (len(REFUSAL), REFUSAL)
    )
    writer.close()  # with the body unread: the kernel resets the connection


async def refuse_and_stay(_head: bytes, _reader: StreamReader, writer: StreamWriter) -> None:
    writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: %d\r\n\r\n" % len(REFUSAL))
    writer.write(REFUSAL)
    await asyncio.Event().wait()


async def upload(connected: Any, url: str, size: int) -> tuple[bytes, bytes]:
    """Send a body as a stubborn client does, whatever comes back, and return the answer."""
    async with connected(url) as (reader, writer):
        writer.write(b"POST /api/v1/documents HTTP/1.1\r\nHost: x\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n" % size)
        for _ in range(size // (1 << 18)):
            writer.write(bytes(1 << 18))
            await writer.drain()
        writer.write(bytes(size % (1 << 18)))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split()[0])
        return head, await reader.readexactly(length)


@pytest.mark.parametrize("behaviour", [refuse_and_close, refuse_and_stay])
async def test_a_refusal_of_a_large_upload(
    gateway_process: Any, raw_service: Any, connected: Any, behaviour: Any
) -> None:
    settings = {"max_body_bytes": 200_000_000}
    async with (
        raw_service(behaviour) as documents,
        gateway_process(settings, documents=documents.url) as gateway,
    ):
        head, body = await upload(connected, gateway.url, 100_000_000)
        assert head.split()[1] in {b"413", b"401"}
        assert body == REFUSAL
        assert (b"x-mine: 1" in head.lower()) == (behaviour is refuse_and_close)


@pytest.mark.parametrize("size", [300_000, 1_000_000, 4_000_000])
async def test_no_refusal_is_lost_to_a_failed_write(
    gateway_process: Any, raw_service: Any, connected: Any, size: int
) -> None:
    """Sizes at which the service's reset meets the gateway in the middle of writing."""
    async with (
        raw_service(refuse_and_close) as documents,
        gateway_process(documents=documents.url) as gateway,
    ):
        answers: Counter[bytes] = Counter()
        open_before = gateway.open_files
        for _ in range(8):
            answers.update(
                head.split()[1]
                for head, _ in await asyncio.gather(
                    *(upload(connected, gateway.url, size) for _ in range(10))
                )
            )
        assert answers == {b"413": 80}

        async def nothing_leaks() -> bool:
            return bool(gateway.open_files <= open_before)

        await eventually(nothing_leaks)


async def test_a_connection_is_used_again_after_an_upload(
    gateway: Any, raw_service: Any, http: ClientSession
) -> None:
    async def take(head: bytes, reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readexactly(500_000)
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")

    async with raw_service(take) as documents, gateway(documents=documents.url) as url:
        for _ in range(10):
            async with http.post(url + "/api/v1/documents", data=bytes(500_000)) as response:
                assert response.status == 201
        assert documents.connections == 1
