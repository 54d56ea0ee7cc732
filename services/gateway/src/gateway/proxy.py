"""Passing a request on to a service and its answer back, both as streams, never held whole."""

from collections.abc import Mapping

import structlog
from aiohttp import ClientConnectorError, ClientError, ClientResponse, ClientSession, HttpVersion11
from starlette.types import Receive, Scope, Send
from yarl import URL

from gateway import headers, routes
from gateway.authentication import Authenticator
from gateway.body import RequestBody
from gateway.errors import (
    BodyTooLarge,
    UpstreamAnswerInvalid,
    UpstreamHungUp,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.framing import body_length
from gateway.patience import Patience
from gateway.settings import ApiSettings
from gateway.upstream import Attempt, HungUp, kind_of

logger = structlog.get_logger(__name__)

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})  # RFC 9110, section 9.2.2


def upstream_url(origin: str, scope: Scope) -> URL:
    """Return the address at the service, with path and query byte for byte as they were sent."""
    target: bytes = scope["raw_path"]
    if scope["query_string"]:
        target += b"?" + scope["query_string"]
    return URL(origin + target.decode("ascii"), encoded=True)


class HttpProxy:
    """The way of a request through the gateway."""

    def __init__(
        self,
        session: ClientSession,
        origins: Mapping[str, str],
        settings: ApiSettings,
        authenticator: Authenticator,
    ) -> None:
        self._session = session
        self._origins = origins
        self._authenticator = authenticator
        self._first_byte_seconds = settings.first_byte_seconds
        self._settings = settings

    async def forward(self, service: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with what the service answers; raise a Problem when there is no such answer.

        When either side breaks off later, the answer is left unfinished: the server then closes
        the connection, and nobody takes a part for the whole.
        """
        length = body_length(scope)
        limit = self._limit(scope)
        if length is not None and length > limit:
            raise BodyTooLarge(limit)
        # Before a byte of the body: whoever is refused here is not asked for it.
        identity = await self._authenticator.identify(service, scope)
        patience = Patience(self._first_byte_seconds)
        body = RequestBody(receive, patience, length=length, limit=limit)
        try:
            async with patience.timeout:
                response = await self._request(service, scope, identity, body)
                patience.answer_began()
                await self._respond(service, response, body, send)
        except (ClientError, TimeoutError) as error:
            if body.client_left:
                return
            logger.warning("exchange broke off", service=service, error=kind_of(error))
            if not patience.answered:
                raise self._problem(service, body, error) from error
        finally:
            body.stop_watching()

    async def _request(
        self, service: str, scope: Scope, identity: Mapping[bytes, bytes], body: RequestBody
    ) -> ClientResponse:
        method: str = scope["method"]
        has_body = not body.complete
        if not has_body:
            body.watch()
        attempt = Attempt(repeatable=method in _IDEMPOTENT and not has_body)
        return await self._session.request(
            method,
            upstream_url(self._origins[service], scope),
            headers=headers.for_upstream(scope, identity, has_body=has_body),
            data=body if has_body else None,
            allow_redirects=False,
            middlewares=(attempt,),
            trace_request_ctx=attempt,
        )

    async def _respond(
        self, service: str, response: ClientResponse, body: RequestBody, send: Send
    ) -> None:
        try:
            if _closes(response):
                body.stop()
            await send(
                {
                    "type": "http.response.start",
                    "status": response.status,
                    "headers": _answer_headers(service, response),
                }
            )
            async for piece in response.content.iter_any():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except BaseException:
            response.close()
            raise
        response.release()

    def _problem(self, service: str, body: RequestBody, error: Exception) -> Exception:
        if body.too_large:
            return BodyTooLarge(body.limit)
        if isinstance(error, TimeoutError):
            return UpstreamTimeout(service)
        if isinstance(error, ClientConnectorError):
            return UpstreamUnreachable(service)
        if isinstance(error, HungUp):
            return UpstreamHungUp(service)
        return UpstreamAnswerInvalid(service)

    def _limit(self, scope: Scope) -> int:
        if routes.may_be_large(scope["raw_path"].decode("ascii")):
            return self._settings.max_resumable_bytes
        return self._settings.max_body_bytes


def _answer_headers(service: str, response: ClientResponse) -> list[tuple[bytes, bytes]]:
    if response.status == 101:
        raise UpstreamAnswerInvalid(service)  # we never ask for another protocol here
    try:
        return headers.for_client(response.raw_headers, status=response.status)
    except ValueError:
        raise UpstreamAnswerInvalid(service) from None


def _closes(response: ClientResponse) -> bool:
    """Tell whether the service closes the connection after this answer, its request read or not."""
    connection = response.headers.get("Connection", "").lower()
    return "close" in connection or (response.version or HttpVersion11) < HttpVersion11
