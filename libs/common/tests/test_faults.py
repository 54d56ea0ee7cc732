"""The proxy that breaks connections, in front of a server that sends back what it gets."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest
from common.faults import Fault, FaultProxy
from common.testing import eventually

DATA = bytes(range(256)) * 400


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1000):
                writer.write(data)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    proxy = FaultProxy("127.0.0.1", server.sockets[0].getsockname()[1])
    async with server, proxy.serving():
        yield proxy


async def echoed(proxy: FaultProxy, data: bytes = DATA) -> bytes:
    """Return what comes back until the connection is closed; raises when it is reset."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        writer.write(data)
        writer.write_eof()
        return await reader.read()
    finally:
        writer.close()


async def test_everything_passes_without_a_fault(proxy: FaultProxy) -> None:
    assert await echoed(proxy) == DATA
    assert proxy.connections == 0


async def test_a_cut_in_good_order_lets_so_many_bytes_through(proxy: FaultProxy) -> None:
    proxy.suffer(Fault(cut_answer=12_345, reset=False))
    assert await echoed(proxy) == DATA[:12_345]
    proxy.suffer(Fault(cut_request=12_345, reset=False), times=1)
    assert DATA[:12_345].startswith(await echoed(proxy))
    assert await echoed(proxy) == DATA, "it was for once"


async def test_a_reset_is_noticed(proxy: FaultProxy) -> None:
    proxy.suffer(Fault(cut_answer=5))
    with pytest.raises(ConnectionResetError):
        await echoed(proxy)


async def test_one_byte_is_another(proxy: FaultProxy) -> None:
    proxy.suffer(Fault(wrong_byte=5000))
    received = await echoed(proxy)
    assert [at for at in range(len(DATA)) if received[at] != DATA[at]] == [5000]


@pytest.mark.parametrize("fault", [Fault(delay=0.3), Fault(rate=100_000)])
async def test_slowness_takes_its_time(proxy: FaultProxy, fault: Fault) -> None:
    proxy.suffer(fault)
    started = time.monotonic()
    assert await echoed(proxy, DATA[:30_000]) == DATA[:30_000]
    assert time.monotonic() - started > 0.25


async def test_a_black_hole_lasts_until_it_is_healed(proxy: FaultProxy) -> None:
    proxy.suffer(Fault(black_hole=True))
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(DATA)
    answer = asyncio.create_task(reader.read())

    async def one_open() -> bool:
        return proxy.connections == 1

    await eventually(one_open)
    assert not answer.done()
    proxy.heal()
    with contextlib.suppress(ConnectionResetError):
        assert await answer == b""
    writer.close()
    assert await echoed(proxy) == DATA
