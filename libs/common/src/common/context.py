"""The frame around every HTTP request: ids, the trace, the access log, the metrics.

Raw ASGI, so that it costs little and never touches a body.
"""

import re
import time
from contextvars import ContextVar
from uuid import uuid4

import structlog
from opentelemetry import trace
from opentelemetry.trace import SpanKind
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.telemetry import http_duration, http_requests, trace_context, tracer

logger = structlog.get_logger("access")

_request_id: ContextVar[str] = ContextVar("request_id", default="")
_SANE_ID = re.compile(r"[A-Za-z0-9._\-]{1,128}")
_QUIET = {"/healthz", "/readyz", "/metrics", "/health/live", "/health/ready"}


def request_id() -> str:
    """Return the id of the request that is being answered, or an empty string."""
    return _request_id.get()


class RequestContext:
    """ASGI middleware: gives each request an id and a span, and writes one line about it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        sent = headers.get("x-request-id", "")
        identity = sent if _SANE_ID.fullmatch(sent) else uuid4().hex
        _request_id.set(identity)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=identity)
        method = scope.get("method", "WEBSOCKET")
        with tracer.start_as_current_span(
            method, context=trace_context(dict(headers)), kind=SpanKind.SERVER
        ) as span:
            await self._observed(scope, receive, send, method=method, span=span)

    async def _observed(
        self, scope: Scope, receive: Receive, send: Send, *, method: str, span: trace.Span
    ) -> None:
        started = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id()
                headers["X-Process-Time"] = f"{time.perf_counter() - started:.6f}"
                headers.setdefault("X-Content-Type-Options", "nosniff")
            elif message["type"] == "websocket.accept":
                status = 101
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            elapsed = time.perf_counter() - started
            route = _route(scope)
            span.update_name(f"{method} {route}")
            span.set_attributes(
                {
                    "http.request.method": method,
                    "http.route": route,
                    "http.response.status_code": status,
                }
            )
            http_requests.labels(method, route, status).inc()
            http_duration.labels(method, route).observe(elapsed)
            if scope["path"] not in _QUIET:
                logger.info(
                    "request",
                    method=method,
                    path=scope["path"],
                    status=status,
                    ms=round(elapsed * 1000, 1),
                )


def _route(scope: Scope) -> str:
    """Return the route's template: a path with ids in it would make endless label values."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else "unmatched"
