"""The connections to the services: a pool for requests, and sockets that are no pool."""

from collections.abc import Sequence
from types import SimpleNamespace

from aiohttp import (
    ClientConnectionError,
    ClientConnectorError,
    ClientError,
    ClientHandlerType,
    ClientMiddlewareType,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    ServerTimeoutError,
    TCPConnector,
    TraceConfig,
    TraceConnectionReuseconnParams,
)

from gateway.settings import ApiSettings

# Shorter than the 5 s after which uvicorn closes an idle connection, so that we seldom meet one
# that is just being closed.
_KEEP_ALIVE_SECONDS = 4.0
_READ_BUFFER_BYTES = 64 << 10
_MAX_HEADER_BYTES = 32 << 10
_MAX_REFUSAL_BYTES = 64 << 10


class HungUp(ClientError):
    """The service closed the connection before it answered."""


class HandshakeRefused(ClientError):
    """The service gave a plain HTTP answer to a WebSocket handshake."""

    def __init__(self, answer: ClientResponse, body: bytes) -> None:
        super().__init__(answer.status)
        self.status = answer.status
        self.headers = answer.raw_headers
        self.body = body


class Attempt:
    """A request, sent once, or twice when the first try met an idle connection just closing.

    aiohttp's own retry would also repeat what broke off on a fresh connection, and so send a
    request that kills the service to the next replica; its middleware can tell the two apart.
    """

    def __init__(self, *, repeatable: bool) -> None:
        self._repeatable = repeatable
        self.connection_reused = False

    async def __call__(self, request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
        """Send the request, as aiohttp's client middleware."""
        try:
            return await send(request)
        except (ClientConnectorError, ServerTimeoutError):
            raise
        except ClientConnectionError as error:
            if not (self._repeatable and self.connection_reused):
                raise HungUp from error
        self._repeatable = False
        return await self(request, send)


def open_session(settings: ApiSettings) -> ClientSession:
    """Open the pool for requests; the caller closes it."""
    tracing = TraceConfig()
    tracing.on_connection_reuseconn.append(_note_reuse)
    # No limit over all services: one that hangs must not take the connections of the others.
    connector = TCPConnector(
        limit=0,
        limit_per_host=settings.connections_per_service,
        keepalive_timeout=_KEEP_ALIVE_SECONDS,
    )
    return _session(settings, connector, trace_configs=[tracing])


def open_socket_session(settings: ApiSettings) -> ClientSession:
    """Open what WebSockets are made with; each holds its connection for as long as it lives."""
    connector = TCPConnector(limit=0, force_close=True)
    return _session(settings, connector, middlewares=[_keep_refusal])


def _session(
    settings: ApiSettings,
    connector: TCPConnector,
    *,
    trace_configs: list[TraceConfig] | None = None,
    middlewares: Sequence[ClientMiddlewareType] = (),
) -> ClientSession:
    return ClientSession(
        connector=connector,
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        timeout=ClientTimeout(sock_connect=settings.connect_seconds),
        read_bufsize=_READ_BUFFER_BYTES,
        max_line_size=_MAX_HEADER_BYTES,
        max_field_size=_MAX_HEADER_BYTES,
        trace_configs=trace_configs,
        middlewares=middlewares,
    )


def kind_of(error: BaseException) -> str:
    """Name a failure for the log; what aiohttp says of it may hold tokens and tickets."""
    kinds = [type(error).__name__]
    while error.__cause__ is not None:
        error = error.__cause__
        kinds.append(type(error).__name__)
    return " < ".join(kinds)


async def _note_reuse(
    _: ClientSession, context: SimpleNamespace, __: TraceConnectionReuseconnParams
) -> None:
    if isinstance(context.trace_request_ctx, Attempt):
        context.trace_request_ctx.connection_reused = True


async def _keep_refusal(request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
    """Save the body of a refused handshake, which aiohttp would throw away."""
    answer = await Attempt(repeatable=False)(request, send)
    if answer.status == 101:
        return answer
    async with answer:
        body = bytearray()
        async for piece in answer.content.iter_any():
            body += piece
            if len(body) > _MAX_REFUSAL_BYTES:
                break
        raise HandshakeRefused(answer, bytes(body))
