"""Passing a WebSocket on to a service: messages, subprotocol, close codes, and refusals."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import structlog
from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientWebSocketResponse,
    ClientWSTimeout,
    WebSocketError,
    WSCloseCode,
    WSMsgType,
)
from starlette.types import Receive, Scope, Send

from gateway import headers
from gateway.authentication import identify_socket
from gateway.errors import (
    UpstreamAnswerInvalid,
    UpstreamHungUp,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.proxy import upstream_url
from gateway.settings import ApiSettings
from gateway.upstream import HandshakeRefused, HungUp, kind_of

logger = structlog.get_logger(__name__)

_PING_SECONDS = 25.0
_CLOSE_SECONDS = 5.0
_BAD_GATEWAY = 1014  # in the registry of close codes, though not among aiohttp's names
# 1005, 1006 and 1015 are what a program is told, never what is sent (RFC 6455, section 7.4.1).
_SENDABLE = frozenset({*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)})
_MESSAGE_KEYS = {WSMsgType.TEXT: "text", WSMsgType.BINARY: "bytes"}


@dataclass(frozen=True)
class End:
    """Why a socket ends, and whether the client has to be told."""

    code: int
    reason: str = ""
    client_left: bool = False


class WebSocketProxy:
    """The way of a WebSocket through the gateway; pings are a matter of each hop."""

    def __init__(
        self, session: ClientSession, origins: Mapping[str, str], settings: ApiSettings
    ) -> None:
        self._session = session
        self._origins = origins
        self._handshake_seconds = settings.first_byte_seconds
        self._max_bytes = settings.max_message_bytes

    async def forward(self, service: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Join the client's socket to one at the service, once the service has accepted it."""
        await receive()  # websocket.connect
        identity = identify_socket(service, scope)
        try:
            upstream = await self._connect(service, scope, identity)
        except HandshakeRefused as refusal:
            await _refuse(service, refusal, send)
            return
        end = End(WSCloseCode.GOING_AWAY)
        try:
            await send({"type": "websocket.accept", "subprotocol": upstream.protocol})
            end = await self._until_either_ends(upstream, receive, send)
            if not end.client_left:
                close = {"type": "websocket.close", "code": end.code, "reason": end.reason}
                await send(close)
        finally:
            await upstream.close(code=end.code, message=end.reason.encode())

    async def _connect(
        self, service: str, scope: Scope, identity: Mapping[bytes, bytes]
    ) -> ClientWebSocketResponse:
        try:
            async with asyncio.timeout(self._handshake_seconds):
                return await self._session.ws_connect(
                    upstream_url(self._origins[service], scope),
                    headers=headers.for_upstream(scope, identity, has_body=False),
                    protocols=scope["subprotocols"],
                    heartbeat=_PING_SECONDS,
                    autoclose=False,
                    max_msg_size=self._max_bytes + 1,  # aiohttp refuses a message of just this size
                    timeout=ClientWSTimeout(ws_close=_CLOSE_SECONDS),
                )
        except HandshakeRefused:
            raise
        except (ClientError, TimeoutError) as error:
            logger.warning("socket could not be opened", service=service, error=kind_of(error))
            raise _problem(service, error) from error

    async def _until_either_ends(
        self, upstream: ClientWebSocketResponse, receive: Receive, send: Send
    ) -> End:
        to_upstream = asyncio.create_task(self._to_upstream(receive, upstream))
        to_client = asyncio.create_task(self._to_client(upstream, send))
        both = {to_upstream, to_client}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            to_upstream.cancel()
            to_client.cancel()
            await asyncio.wait(both)
        ended = to_client if to_upstream.cancelled() else to_upstream
        return ended.result()

    async def _to_upstream(self, receive: Receive, upstream: ClientWebSocketResponse) -> End:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                code = message.get("code", WSCloseCode.GOING_AWAY)
                # No code tells a lost connection from a close without one; either way it is gone.
                code = code if code in _SENDABLE else WSCloseCode.GOING_AWAY
                return End(code, message.get("reason") or "", client_left=True)
            if message.get("text") is not None:
                kind, data = WSMsgType.TEXT, message["text"].encode()
            else:
                kind, data = WSMsgType.BINARY, message["bytes"]
            if len(data) > self._max_bytes:
                return End(WSCloseCode.MESSAGE_TOO_BIG, f"at most {self._max_bytes} bytes")
            # The service may be gone; then the other direction knows, and with which code.
            with suppress(ClientError):
                await upstream.send_frame(data, kind)

    async def _to_client(self, upstream: ClientWebSocketResponse, send: Send) -> End:
        while True:
            message = await upstream.receive()
            if message.type in _MESSAGE_KEYS:
                try:
                    await send(
                        {"type": "websocket.send", _MESSAGE_KEYS[message.type]: message.data}
                    )
                except OSError:  # how an ASGI server tells that the client is gone
                    return End(WSCloseCode.GOING_AWAY, client_left=True)
            elif message.type is WSMsgType.CLOSE:
                code = message.data if message.data in _SENDABLE else WSCloseCode.OK
                return End(code, message.extra or "")
            elif message.type is WSMsgType.ERROR and isinstance(message.data, WebSocketError):
                return End(_BAD_GATEWAY, str(message.data)[:120])
            else:
                return End(_BAD_GATEWAY, "the service broke off")


async def _refuse(service: str, refusal: HandshakeRefused, send: Send) -> None:
    """Give the client the service's plain answer to the handshake."""
    try:
        fields = headers.for_client(refusal.headers, status=refusal.status)
    except ValueError:
        raise UpstreamAnswerInvalid(service) from None
    start = {"type": "websocket.http.response.start", "status": refusal.status, "headers": fields}
    await send(start)
    await send({"type": "websocket.http.response.body", "body": refusal.body})


def _problem(service: str, error: Exception) -> Exception:
    if isinstance(error, TimeoutError):
        return UpstreamTimeout(service)
    if isinstance(error, ClientConnectorError):
        return UpstreamUnreachable(service)
    if isinstance(error, HungUp):
        return UpstreamHungUp(service)
    return UpstreamAnswerInvalid(service)
