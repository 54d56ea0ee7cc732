"""Who has opened a socket: from what a client brings along to a user.

A browser cannot set headers on a WebSocket. It brings a one-time ticket or, less well, a token in
the query, or it says who it is in its first message.
"""

import asyncio
import time
from dataclasses import dataclass

import structlog
from common.errors import Unauthorized, Unavailable
from common.security import LEEWAY_SECONDS, STREAM_TICKET, TokenVerifier, User
from contracts import Permission
from fastapi import WebSocket, WebSocketDisconnect
from fastapi.security.utils import get_authorization_scheme_param
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from notifier.errors import NotPermitted, NotSignedIn, OtherUser, TryAgainLater
from notifier.messages import Auth

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Authenticated:
    """A socket belongs to a user, until a time in Unix seconds."""

    user: User
    until: float


@dataclass(frozen=True)
class Credentials:
    """What a client has brought along when it opened the socket."""

    ticket: str | None
    token: str | None

    @classmethod
    def take_from(cls, websocket: WebSocket) -> "Credentials":
        """Take the credentials out of a request, so that nobody logs them with its address."""
        scheme, bearer = get_authorization_scheme_param(websocket.headers.get("authorization"))
        query = websocket.query_params
        credentials = cls(
            ticket=query.get("ticket"),
            token=query.get("token") or (bearer if scheme.lower() == "bearer" else None),
        )
        websocket.scope["query_string"] = b""
        return credentials


class Authenticator:
    """Finds out who has opened a socket, and until when that holds."""

    def __init__(
        self,
        tokens: TokenVerifier,
        redis: Redis,
        *,
        auth_seconds: float,
        ticket_socket_seconds: float,
    ) -> None:
        self._tokens = tokens
        self._redis = redis
        self._auth_seconds = auth_seconds
        self._ticket_socket_seconds = ticket_socket_seconds

    async def authenticate(
        self, websocket: WebSocket, credentials: Credentials, *, asked_for: str | None
    ) -> Authenticated:
        """Return who has opened an accepted socket, which may ask for one user by id.

        Raises `SocketRefused`, and `WebSocketDisconnect` when the client leaves meanwhile.
        """
        try:
            found = await self._find_out(websocket, credentials)
        except Unauthorized as error:
            raise NotSignedIn from error
        except (Unavailable, RedisError) as error:
            logger.warning("nobody can be authenticated", error=repr(error))
            raise TryAgainLater from error
        if Permission.EVENTS_READ not in found.user.permissions:
            logger.warning("may not listen to events", user_id=str(found.user.id))
            raise NotPermitted
        if asked_for is not None and asked_for.lower() != str(found.user.id):
            logger.warning("asked for another user", user_id=str(found.user.id))
            raise OtherUser
        return found

    async def _find_out(self, websocket: WebSocket, credentials: Credentials) -> Authenticated:
        if credentials.ticket is not None:
            user = await self._tokens.verify(credentials.ticket, kind=STREAM_TICKET)
            await self._spend(user)
            return Authenticated(user, time.time() + self._ticket_socket_seconds)
        user = await self._tokens.verify(credentials.token or await self._first_message(websocket))
        return Authenticated(user, user.expires_at)

    async def _spend(self, ticket: User) -> None:
        """Make a ticket worthless; raises `NotSignedIn` when it was so already."""
        seconds = max(0, int(ticket.expires_at - time.time())) + LEEWAY_SECONDS + 1
        if not await self._redis.set(f"ticket:{ticket.token_id}", 1, nx=True, ex=seconds):
            logger.warning("ticket used twice", user_id=str(ticket.id))
            raise NotSignedIn

    async def _first_message(self, websocket: WebSocket) -> str:
        try:
            async with asyncio.timeout(self._auth_seconds):
                message = await websocket.receive()
        except TimeoutError:
            raise NotSignedIn from None
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])
        try:
            return Auth.model_validate_json(message.get("text") or "").token
        except ValidationError:
            raise NotSignedIn from None
