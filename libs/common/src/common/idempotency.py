"""`Idempotency-Key`: a request that is sent again is not done again (IETF httpapi draft).

The answer is kept in the transaction of its effect, so either both are there or neither is. There
is no note that a request has begun, and so nothing to tidy up after a crash and no lock while a
body arrives: a repetition does its work too, finds at its end that the key is taken, undoes all of
it and answers what was answered before. Two at the same moment meet at the key's primary key,
where the second waits for the first one's commit.
"""

import hashlib
import re
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
import structlog
from fastapi import Header, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from common.database import Session, frame_metadata
from common.errors import InvalidInput, Problem, Unavailable
from common.security import CurrentUser

logger = structlog.get_logger(__name__)

KEPT = timedelta(hours=24)
"""How long a key counts."""

idempotency_keys = sa.Table(
    "idempotency_keys",
    frame_metadata,
    sa.Column("user_id", sa.Uuid, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.LargeBinary, nullable=False),
    sa.Column("status", sa.SmallInteger, nullable=False),
    sa.Column("headers", JSONB, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column(
        "created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    ),
)

KEY_HEADER = "Idempotency-Key"
_REPLAYED = "Idempotency-Replayed"
# Named, and not all but some: a cookie must never be kept.
_KEPT_HEADERS = frozenset({"cache-control", "content-type", "etag", "location"})
# The draft wants a string of RFC 9651, section 3.3.3; most clients send the bare characters.
_QUOTED = re.compile(r'"((?:[!#-\[\]-~]|\\["\\])+)"')
_BARE = re.compile(r"[!#-~][!-~]*")
_MAX_KEY_CHARS = 255


class InvalidIdempotencyKey(Problem):
    """The key cannot be read."""

    status, slug = 400, "invalid-idempotency-key"
    title = f"An {KEY_HEADER} has 1 to {_MAX_KEY_CHARS} visible ASCII characters"


class IdempotencyKeyReused(Problem):
    """The key belongs to an earlier request that was another one."""

    status, slug = 422, "idempotency-key-reused"
    title = f"This {KEY_HEADER} was sent with another request"


KEY_REFUSALS = (InvalidIdempotencyKey, IdempotencyKeyReused, InvalidInput)
"""What an operation that takes a key adds to its `problems`; 422 has two meanings then."""


class _Claim:
    """What a request says by its key: this user wants this done once."""

    def __init__(self, session: AsyncSession, user_id: UUID, key: str) -> None:
        self._session = session
        self._user_id = user_id
        self._key = key

    async def keep(self, response: Response, fingerprint: bytes) -> Response:
        """Keep an answer beside its effect; return it, or the one that was kept before."""
        values = {
            "fingerprint": fingerprint,
            "status": response.status_code,
            "headers": {k: v for k, v in response.headers.items() if k in _KEPT_HEADERS},
            "body": bytes(response.body),
            "created_at": sa.func.now(),
        }
        # The key is the last lock that a request takes: none can be waited for in a circle.
        await self._session.flush()
        claim = insert(idempotency_keys).values(user_id=self._user_id, key=self._key, **values)
        mine = await self._session.scalar(
            claim.on_conflict_do_update(
                index_elements=[idempotency_keys.c.user_id, idempotency_keys.c.key],
                set_=values,
                where=idempotency_keys.c.created_at <= sa.func.now() - KEPT,
            ).returning(idempotency_keys.c.key)
        )
        if mine is not None:
            return response
        earlier = await self.earlier(fingerprint)
        if earlier is None:  # its time has run out since
            raise Unavailable("The earlier answer was just forgotten.", retry_after=1)
        return earlier

    async def earlier(self, fingerprint: bytes) -> Response | None:
        """Undo what was done, and return the answer that was kept before, if there is one.

        Raises `IdempotencyKeyReused`.
        """
        await self._session.rollback()
        rows = await self._session.execute(
            sa.select(idempotency_keys).where(
                idempotency_keys.c.user_id == self._user_id,
                idempotency_keys.c.key == self._key,
                idempotency_keys.c.created_at > sa.func.now() - KEPT,
            )
        )
        row = rows.one_or_none()
        if row is None:
            return None
        if row.fingerprint != fingerprint:
            raise IdempotencyKeyReused
        logger.info("answered as before")
        return Response(row.body, row.status, {**row.headers, _REPLAYED: "true"})


async def idempotent(
    request: Request,
    user: CurrentUser,
    session: Session,
    key: Annotated[
        str | None,
        Header(
            alias=KEY_HEADER,
            description=f"1 to {_MAX_KEY_CHARS} visible ASCII characters of your choice, bare or in"
            " quotes. For 24 hours the same request with the same key is answered as before,"
            f" with `{_REPLAYED}: true`, and not done again.",
            examples=["8e03978e-40d5-43e8-bc93-6894a57f9324"],
        ),
    ] = None,
) -> None:
    """Let an operation take an `Idempotency-Key`; its router's route class is `IdempotentRoute`.

    Not for an answer that holds a secret: it is kept as it is. Raises `InvalidIdempotencyKey`.
    """
    if not isinstance(request.scope["route"], IdempotentRoute):
        raise TypeError("the router needs route_class=IdempotentRoute")
    if key is not None:
        # RFC 9110, section 5.3: sent twice means both, and no key has a comma and a space.
        sent = ", ".join(request.headers.getlist(KEY_HEADER))
        request.state.idempotency = _Claim(session, user.id, parse_key(sent))


class IdempotentRoute(APIRoute):
    """A route that keeps its answers, if it depends on `idempotent` and is sent a key.

    Around the handler is the one place where the answer is whole and the transaction still open.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler with the keeping around it."""
        handle = super().get_route_handler()

        async def handle_once(request: Request) -> Response:
            try:
                response = await handle(request)
            except Problem as problem:
                if (earlier := await self._earlier(request, problem)) is None:
                    raise
                return earlier
            claim = _claim(request)
            if claim is None or not 200 <= response.status_code < 300:
                return response
            fingerprint = await self._fingerprint(request)
            if fingerprint is None:
                raise RuntimeError("whoever streams a body tells by `body_was` what it was")
            return await claim.keep(response, fingerprint)

        return handle_once

    async def _earlier(self, request: Request, problem: Problem) -> Response | None:
        """Return the kept answer if the request fails because it has succeeded before."""
        claim = _claim(request)
        # Whoever may not do it any more is not shown the answer either; what is kept although
        # the request fails must not be undone; and a failure of ours says nothing.
        if claim is None or problem.commits or problem.status in (401, 403) or problem.status > 499:
            return None
        fingerprint = await self._fingerprint(request)
        return None if fingerprint is None else await claim.earlier(fingerprint)

    async def _fingerprint(self, request: Request) -> bytes | None:
        """Return what tells this request from others, if its body was read to the end."""
        body: bytes | None = b""
        if self.body_field is not None:
            body = await request.body()
        elif "requestBody" in (self.openapi_extra or {}):  # the endpoint reads it itself
            body = getattr(request.state, "idempotency_body", None)
        if body is None:
            return None
        target = (request.method, request.scope["path"])
        return _digest(*(part.encode() for part in target), request.scope["query_string"], body)


def body_was(request: Request, *parts: bytes) -> None:
    """Tell what a body was that the endpoint itself has streamed, as soon as all of it is read.

    Name what makes it the same body if it is sent again: of a form its names and values and the
    hashes of its files, in an order of their own, but not the boundary.
    """
    request.state.idempotency_body = _digest(*parts)


def parse_key(sent: str) -> str:
    """Return the key in a header field's value, bare or quoted; raises `InvalidIdempotencyKey`."""
    if quoted := _QUOTED.fullmatch(sent):
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    elif _BARE.fullmatch(sent):
        key = sent
    else:
        raise InvalidIdempotencyKey
    if len(key) > _MAX_KEY_CHARS:
        raise InvalidIdempotencyKey
    return key


async def forget(session: AsyncSession) -> None:
    """Drop the keys whose time has run out, and the answers kept with them."""
    over = idempotency_keys.c.created_at <= sa.func.now() - KEPT
    await session.execute(sa.delete(idempotency_keys).where(over))


def _claim(request: Request) -> _Claim | None:
    claim: _Claim | None = getattr(request.state, "idempotency", None)
    return claim


def _digest(*parts: bytes) -> bytes:
    digest = hashlib.sha256()
    for part in parts:  # each after its length, or "a" and "bc" would be "ab" and "c"
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()
