"""A large body costs the gateway no memory to speak of, in whichever direction it goes."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import ClientSession

MIB = 1 << 20
SIZE = 200 * MIB


async def give(_head: bytes, _reader: StreamReader, writer: StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
    for _ in range(SIZE // MIB):
        writer.write(bytes(MIB))
        await writer.drain()


async def take(_head: bytes, reader: StreamReader, writer: StreamWriter) -> None:
    for _ in range(SIZE // MIB):
        await reader.readexactly(MIB)
    writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")


async def chunks() -> AsyncIterator[bytes]:
    for _ in range(SIZE // MIB):
        yield bytes(MIB)


async def test_a_download_of_200_mib(
    gateway_process: Any, raw_service: Any, http: ClientSession
) -> None:
    async with raw_service(give) as documents, gateway_process(documents=documents.url) as gateway:
        before = gateway.peak_memory
        async with http.get(gateway.url + "/api/v1/documents") as response:
            received = 0
            async for piece in response.content.iter_any():
                received += len(piece)
        cost = gateway.peak_memory - before
    assert received == SIZE
    assert cost < 32 * MIB


async def test_an_upload_of_200_mib(
    gateway_process: Any, raw_service: Any, http: ClientSession
) -> None:
    settings = {"max_body_bytes": SIZE}
    async with (
        raw_service(take) as documents,
        gateway_process(settings, documents=documents.url) as gateway,
    ):
        before = gateway.peak_memory
        async with http.post(gateway.url + "/api/v1/documents", data=chunks()) as response:
            assert response.status == 201
        cost = gateway.peak_memory - before
    assert cost < 32 * MIB


async def test_fifty_downloads_to_clients_that_do_not_read(
    gateway_process: Any, raw_service: Any, connected: Any
) -> None:
    async with raw_service(give) as documents, gateway_process(documents=documents.url) as gateway:
        before = gateway.peak_memory

        async def ask(client: Any) -> None:
            reader, writer = await client.__aenter__()
            writer.write(b"GET /api/v1/documents HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")

        clients = [connected(gateway.url) for _ in range(50)]
        await asyncio.gather(*(ask(client) for client in clients))
        cost = gateway.peak_memory - before
        for client in clients:
            await client.__aexit__(None, None, None)
    assert cost < 64 * MIB
