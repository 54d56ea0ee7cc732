"""What the gateway answers itself when there is no answer to pass on."""

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession
from common.testing import eventually

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
POST = b"POST /api/v1/documents HTTP/1.1\r\nHost: x\r\n"
MEMBERS = {"type", "title", "status", "detail", "instance", "request_id"}
HASTY = {"first_byte_seconds": 0.3}


async def problem(response: ClientResponse, slug: str) -> dict[str, Any]:
    assert response.content_type == "application/problem+json"
    body: dict[str, Any] = await response.json()
    assert body.keys() >= MEMBERS
    assert body["status"] == response.status
    assert body["type"].endswith(f":{slug}")
    assert body["request_id"] == response.headers["X-Request-ID"]
    return body


async def silent(_head: bytes, _reader: StreamReader, _writer: StreamWriter) -> None:
    await asyncio.Event().wait()


async def test_an_unknown_path_is_not_found(suite: Any, http: ClientSession) -> None:
    async with http.get(suite.url + "/api/v1/nothing") as response:
        assert response.status == 404
        assert (await problem(response, "not-found"))["instance"] == "/api/v1/nothing"


async def test_a_service_that_is_down_is_unreachable(gateway: Any, http: ClientSession) -> None:
    async with gateway() as url, http.post(url + "/api/v1/documents", data=b"x") as response:
        assert response.status == 502
        assert int(response.headers["Retry-After"]) > 0
        body = await problem(response, "upstream-unreachable")
        assert "documents" in body["detail"]
        assert "127.0.0.1" not in str(body)


async def test_a_service_that_accepts_no_connection_in_time(
    gateway: Any, http: ClientSession
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(8)]
        for one in waiting:  # more than the backlog takes: the next SYN gets no answer
            one.setblocking(False)
            one.connect_ex(address)
        settings = {"connect_seconds": 0.3}
        async with (
            gateway(settings, documents=f"http://127.0.0.1:{address[1]}") as url,
            http.get(url + "/api/v1/documents") as response,
        ):
            assert response.status == 504
            await problem(response, "upstream-timeout")
        for one in waiting:
            one.close()


@pytest.mark.parametrize("body", [None, b"x" * 100, b"x" * 20_000_000])
async def test_a_service_that_does_not_answer_in_time(
    gateway: Any, raw_service: Any, http: ClientSession, body: bytes | None
) -> None:
    async with (
        raw_service(silent) as documents,  # does not even read the body
        gateway(HASTY, documents=documents.url) as url,
        http.put(url + "/api/v1/documents", data=body) as response,
    ):
        assert response.status == 504
        await problem(response, "upstream-timeout")
        assert documents.connections == 1


async def test_only_the_time_that_a_service_takes_counts(
    gateway: Any, raw_service: Any, http: ClientSession, connected: Any
) -> None:
    """A slow client is not a slow service, and an answer that has begun may take long."""
    half_read, go_on = asyncio.Event(), asyncio.Event()

    async def handler(_head: bytes, reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readexactly(1)
        half_read.set()
        await reader.readexactly(1)
        writer.write(OK[:-1])
        await go_on.wait()
        writer.write(OK[-1:])

    async with (
        raw_service(handler) as documents,
        raw_service(silent) as auth,
        gateway(HASTY, documents=documents.url, auth=auth.url) as url,
        connected(url) as (reader, writer),
    ):

        async def time_passes() -> None:
            async with http.get(url + "/api/v1/auth") as other:
                assert other.status == 504

        writer.write(POST + b"Content-Length: 2\r\n\r\na")
        await half_read.wait()
        await time_passes()
        writer.write(b"b")
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        await time_passes()
        go_on.set()
        assert await reader.readexactly(2) == b"ok"


@pytest.mark.parametrize(
    ("announced", "sent"),
    [
        (b"Content-Length: 1001\r\n\r\n", b""),
        (b"Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n", b""),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"3e8\r\n" + b"x" * 1000 + b"\r\n1\r\nx\r\n"),
    ],
)
async def test_a_body_that_is_too_large(
    gateway: Any, raw_service: Any, connected: Any, announced: bytes, sent: bytes
) -> None:
    received = []

    async def handler(_head: bytes, reader: StreamReader, _writer: StreamWriter) -> None:
        received.append(await reader.read())

    async def cut() -> bool:
        return bool(received)

    async with (
        raw_service(handler) as documents,
        gateway({"max_body_bytes": 1000}, documents=documents.url) as url,
        connected(url) as (reader, writer),
    ):
        writer.write(POST + announced + sent)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 413 " in head
        assert b"application/problem+json" in head
        if sent:
            await eventually(cut)
            assert not received[0].endswith(b"0\r\n\r\n")  # the service must not take it for whole
        else:
            assert not documents.connections


async def test_a_service_that_hangs_up_instead_of_answering(
    gateway: Any, raw_service: Any, http: ClientSession
) -> None:
    async def handler(_head: bytes, _reader: StreamReader, writer: StreamWriter) -> None:
        writer.close()

    async with (
        raw_service(handler) as documents,
        gateway(documents=documents.url) as url,
        http.get(url + "/api/v1/documents") as response,
    ):
        assert response.status == 502
        await problem(response, "upstream-hung-up")
        assert len(documents.heads) == 1  # it may be this request that it cannot bear


@pytest.mark.parametrize(
    ("asked", "status"),
    [(("GET", None), 200), (("DELETE", None), 200), (("POST", None), 502), (("PUT", b"x"), 502)],
)
async def test_an_idle_connection_that_was_just_closed_is_tried_once_more(
    gateway: Any,
    raw_service: Any,
    http: ClientSession,
    asked: tuple[str, bytes | None],
    status: int,
) -> None:
    method, data = asked
    documents: Any

    async def handler(_head: bytes, _reader: StreamReader, writer: StreamWriter) -> None:
        # Resets its first connection at the second request on it, as a server does that has just
        # decided to close it.
        if documents.connections == 1 and len(documents.heads) == 2:
            linger = struct.pack("ii", 1, 0)
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.close()
        else:
            writer.write(OK)

    async with raw_service(handler) as documents, gateway(documents=documents.url) as url:
        async with http.get(url + "/api/v1/documents") as response:
            assert await response.read() == b"ok"
        async with http.request(method, url + "/api/v1/documents", data=data) as response:
            assert response.status == status
        assert len(documents.heads) == (3 if status == 200 else 2)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: a\x01b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 40_000 + b"\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_an_answer_that_is_not_http(suite: Any, http: ClientSession, answer: bytes) -> None:
    suite.documents.behave(answer)
    async with http.get(suite.url + "/api/v1/documents") as response:
        assert response.status == 502
        await problem(response, "upstream-answer-invalid")


async def test_a_resumable_upload_has_a_limit_of_its_own(
    gateway: Any, raw_service: Any, http: ClientSession
) -> None:
    limits = {"max_body_bytes": 1000, "max_resumable_bytes": 2000}
    async with raw_service(OK) as documents, gateway(limits, documents=documents.url) as url:
        async with http.patch(f"{url}/api/v1/uploads/1", data=b"0" * 2001) as response:
            assert response.status == 413
            assert (await response.json())["max_bytes"] == 2000
        async with http.patch(f"{url}/api/v1/uploads/1", data=b"0" * 2000) as response:
            assert response.status == 200
