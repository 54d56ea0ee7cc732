"""Which header fields pass the gateway, and which it writes itself (RFC 9110, section 7.6)."""

import re
from collections.abc import Iterable, Mapping

from common.context import request_id
from common.telemetry import trace_headers
from multidict import CIMultiDict
from starlette.types import Scope

from gateway.errors import AmbiguousRequest

RawHeaders = Iterable[tuple[bytes, bytes]]

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
# `Connection: authorization` would otherwise let a client take away what protects it or others.
_NEVER_HOP_BY_HOP = frozenset(
    {
        b"authorization",
        b"content-length",
        b"content-type",
        b"cookie",
        b"host",
        b"idempotency-key",
        b"if-match",
        b"if-none-match",
        b"origin",
        b"set-cookie",
        b"x-api-key",
        b"x-csrf-token",
    }
)
# Nothing that is trusted stands before the gateway, so what a client says about itself is dropped.
_WRITTEN_BY_GATEWAY = frozenset(
    {
        b"authorization",
        b"cookie",
        b"forwarded",
        b"host",
        b"x-api-key",
        b"x-real-ip",
        b"x-request-id",
    }
)
# The last looks like something that a gateway says of who is asking; this one says it by a token.
_DROPPED_PREFIXES = (b"sec-websocket-", b"x-forwarded-", b"x-user-")
_WRITTEN_BY_SERVER = frozenset({b"date", b"server"})
_CONTROL_CHARACTER = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def for_upstream(
    scope: Scope, identity: Mapping[bytes, bytes], *, has_body: bool
) -> CIMultiDict[str]:
    """Return the header fields of a request as the service is to see them.

    `identity` takes the place of what the client sent as its credentials.
    """
    received: list[tuple[bytes, bytes]] = scope["headers"]
    context = trace_headers()
    dropped = _dropped_by_hop(received) | _WRITTEN_BY_GATEWAY | {name.encode() for name in context}
    if not has_body:
        dropped |= {b"expect", b"content-length"}
    headers: CIMultiDict[str] = CIMultiDict()
    passed = [
        (name, value)
        for name, value in received
        if name not in dropped and not name.startswith(_DROPPED_PREFIXES)
    ]
    for name, value in (*passed, *identity.items()):
        headers.add(name.decode("ascii"), _text(name, value))
    client = scope.get("client")
    headers["X-Forwarded-For"] = client[0] if client else "unknown"
    headers["X-Forwarded-Proto"] = "https" if scope["scheme"] in ("https", "wss") else "http"
    headers["X-Forwarded-Host"] = _host(scope)
    headers["X-Request-ID"] = request_id()
    headers.update(context)
    return headers


def for_client(received: RawHeaders, *, status: int) -> list[tuple[bytes, bytes]]:
    """Return the header fields of an answer as the client is to see them.

    Raises ValueError for a value that would break the framing.
    """
    fields = [(name.lower(), value) for name, value in received]
    # The gateway's own server writes Date and Server; a client must not get either twice.
    dropped = _dropped_by_hop(fields) | _WRITTEN_BY_SERVER
    if status in (204, 304):
        dropped |= {b"content-length"}  # no body follows, whatever length it would have had
    passed = [(name, value) for name, value in fields if name not in dropped]
    if any(_CONTROL_CHARACTER.search(value) for _, value in passed):
        raise ValueError("a header value holds control characters")
    return passed


def _dropped_by_hop(headers: RawHeaders) -> frozenset[bytes]:
    named = {
        token.strip().lower()
        for name, value in headers
        if name == b"connection"
        for token in value.split(b",")
    }
    return _HOP_BY_HOP | (named - _NEVER_HOP_BY_HOP)


def _host(scope: Scope) -> str:
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if len(hosts) > 1 or (not hosts and scope["http_version"] != "1.0"):
        raise AmbiguousRequest("A request has exactly one Host header.")
    return _text(b"host", hosts[0]) if hosts else ""


def _text(name: bytes, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        # aiohttp writes headers as UTF-8 only; to pass other bytes on changed would be worse.
        raise AmbiguousRequest(f"The header {name.decode('ascii')} is not UTF-8.") from None
