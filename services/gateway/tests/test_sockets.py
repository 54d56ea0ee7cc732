"""WebSockets pass the gateway; the other ends here are another implementation's."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Response
from websockets.typing import Origin

Handler = Callable[[ServerConnection], Awaitable[None]]

MIB = 1 << 20


@pytest.fixture
def socket_suite(gateway: Any) -> Callable[..., Any]:
    """A gateway before a notifier that does as the test says; yields the socket's URL."""

    @asynccontextmanager
    async def opened(
        handler: Handler, settings: dict[str, Any] | None = None, **options: Any
    ) -> AsyncIterator[str]:
        async with serve(handler, "127.0.0.1", 0, max_size=None, **options) as server:
            port = server.sockets[0].getsockname()[1]
            async with gateway(settings, notifier=f"http://127.0.0.1:{port}") as url:
                yield url.replace("http", "ws", 1) + "/api/v1/ws"

    return opened


async def echo(socket: ServerConnection) -> None:
    async for message in socket:
        await socket.send(message)


async def test_text_and_bytes_of_any_size_pass_both_ways(socket_suite: Any) -> None:
    async with socket_suite(echo) as url, connect(url, max_size=None) as client:
        for message in ("", "Größe €", b"", b"\x00\xff", "x" * 900_000, bytes(MIB)):
            await client.send(message)
            assert await client.recv() == message
        await (await client.ping())


async def test_handshake_passes_as_it_was_sent(socket_suite: Any) -> None:
    seen = []

    async def handler(socket: ServerConnection) -> None:
        seen.append(socket.request)

    headers = {
        "Cookie": "a=1",
        "Authorization": "Bearer t",
        "X-Forwarded-For": "6.6.6.6",
        "Sec-WebSocket-Foo": "1",
    }
    async with (
        socket_suite(handler) as url,
        connect(
            url + "/u%2F1?ticket=a+b%20c",
            origin=Origin("https://app.test"),
            additional_headers=headers,
        ) as client,
    ):
        await client.wait_closed()
    (request,) = seen
    assert request
    assert request.path == "/api/v1/ws/u%2F1?ticket=a+b%20c"
    assert request.headers["Origin"] == "https://app.test"
    assert request.headers["Cookie"] == "a=1"
    assert request.headers["Authorization"] == "Bearer t"
    assert request.headers.get_all("X-Forwarded-For") == ["127.0.0.1"]
    assert request.headers["X-Forwarded-Proto"] == "http"
    assert len(request.headers["X-Request-ID"]) == 32
    assert "Sec-WebSocket-Foo" not in request.headers


@pytest.mark.parametrize(("offered", "chosen"), [(["b", "a"], "a"), (["x"], None), (None, None)])
async def test_the_service_chooses_the_subprotocol(
    socket_suite: Any, offered: Any, chosen: str | None
) -> None:
    def select(_: ServerConnection, names: list[str]) -> str | None:
        return "a" if "a" in names else None

    async with (
        socket_suite(echo, select_subprotocol=select) as url,
        connect(url, subprotocols=offered) as client,
    ):
        assert client.subprotocol == chosen


async def test_a_refusal_is_the_answer_to_the_handshake(socket_suite: Any) -> None:
    body = b'{"title":"You are not signed in","status":401}'

    def refuse(*_: object) -> Response:
        headers = Headers({"Content-Type": "application/problem+json", "X-Mine": "1"})
        headers["Content-Length"] = str(len(body))
        return Response(401, "Unauthorized", headers, body)

    async with socket_suite(echo, process_request=refuse) as url:
        with pytest.raises(InvalidStatus) as refusal:
            await connect(url).__aenter__()
    response = refusal.value.response
    assert response.status_code == 401
    assert response.body == body
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["X-Mine"] == "1"


async def test_a_handshake_is_not_answered_before_the_service_answers(socket_suite: Any) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def wait(*_: object) -> None:
        asked.set()
        await go_on.wait()

    async with socket_suite(echo, process_request=wait) as url:
        opening = asyncio.create_task(connect(url).__aenter__())
        await asked.wait()
        assert not opening.done()
        go_on.set()
        await (await opening).close()


@pytest.mark.parametrize(
    ("path", "status", "slug"),
    [("/api/v1/ws", 502, "upstream-unreachable"), ("/elsewhere", 404, "not-found")],
)
async def test_a_refusal_by_the_gateway_is_a_problem(
    gateway: Any, path: str, status: int, slug: str
) -> None:
    async with gateway() as url:
        with pytest.raises(InvalidStatus) as refusal:
            await connect(url.replace("http", "ws", 1) + path).__aenter__()
    response = refusal.value.response
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = json.loads(response.body)
    assert problem["type"].endswith(f":{slug}")
    assert problem["request_id"] == response.headers["X-Request-ID"]


async def test_a_service_that_does_not_answer_the_handshake(socket_suite: Any) -> None:
    async def wait(*_: object) -> None:
        await asyncio.Event().wait()

    async with socket_suite(
        echo, {"first_byte_seconds": 0.2}, process_request=wait, open_timeout=0.5
    ) as url:
        with pytest.raises(InvalidStatus) as refusal:
            await connect(url).__aenter__()
    assert refusal.value.response.status_code == 504


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, ""), (1013, "try again"), (4401, "who?"), (4403, "größer")]
)
async def test_close_codes_pass_after_everything_sent_before(
    socket_suite: Any, code: int, reason: str
) -> None:
    async def handler(socket: ServerConnection) -> None:
        for number in range(100):
            await socket.send(str(number))
        await socket.close(code, reason)

    async with socket_suite(handler) as url, connect(url) as client:
        assert [await client.recv() for _ in range(100)] == [str(n) for n in range(100)]
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert (client.close_code, client.close_reason) == (code, reason)


@pytest.mark.parametrize(("code", "reason"), [(1000, "bye"), (4999, "grund"), (1001, "")])
async def test_a_clients_close_reaches_the_service(
    socket_suite: Any, code: int, reason: str
) -> None:
    ended = asyncio.get_running_loop().create_future()

    async def handler(socket: ServerConnection) -> None:
        await socket.wait_closed()
        ended.set_result((socket.close_code, socket.close_reason))

    async with socket_suite(handler) as url, connect(url) as client:
        await client.close(code, reason)
        assert await asyncio.wait_for(ended, 5) == (code, reason)


async def test_a_client_that_vanishes_closes_the_services_socket(socket_suite: Any) -> None:
    ended = asyncio.get_running_loop().create_future()

    async def handler(socket: ServerConnection) -> None:
        await socket.wait_closed()
        ended.set_result(socket.close_code)

    async with socket_suite(handler) as url, connect(url) as client:
        client.transport.abort()
        assert await asyncio.wait_for(ended, 5) == 1001


async def test_a_service_that_vanishes_closes_the_clients_socket(socket_suite: Any) -> None:
    async def handler(socket: ServerConnection) -> None:
        socket.transport.abort()

    async with socket_suite(handler) as url, connect(url) as client:
        await asyncio.wait_for(client.wait_closed(), 5)
        assert client.close_code == 1014


async def test_messages_have_a_largest_size_both_ways(socket_suite: Any) -> None:
    ended: asyncio.Queue[int | None] = asyncio.Queue()

    async def handler(socket: ServerConnection) -> None:
        if socket.request and socket.request.path.endswith("/shout"):
            await socket.send("x" * 1001)
        await socket.wait_closed()
        ended.put_nowait(socket.close_code)

    async with socket_suite(handler, {"max_message_bytes": 1000}) as url:
        async with connect(url) as client:
            await client.send("x" * 1001)
            await asyncio.wait_for(client.wait_closed(), 5)
            assert client.close_code == 1009
            assert await ended.get() == 1009
        async with connect(url + "/shout") as client:
            await asyncio.wait_for(client.wait_closed(), 5)
            assert client.close_code == 1014
            assert await ended.get() == 1009
