"""API keys, exchanged for access tokens at the auth service and remembered for seconds."""

import asyncio
import hashlib
import re
from dataclasses import dataclass

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout
from cachetools import TLRUCache, TTLCache
from common.context import request_id
from common.errors import Unauthorized, Unavailable
from common.security import TokenVerifier
from common.telemetry import trace_headers
from pydantic import BaseModel, ValidationError

from gateway.errors import InvalidApiKey
from gateway.upstream import Attempt, kind_of

logger = structlog.get_logger(__name__)

_KEY = re.compile(rb"[!-~]{1,256}")
_ANSWER = ClientTimeout(total=5.0, sock_connect=2.0)
_CACHE_KEYS = 10_000
_CACHE_SECONDS = 30.0
_REFUSED_SECONDS = 2.0
_MARGIN_SECONDS = 10.0  # a token must not run out on its way


class Exchanged(BaseModel):
    """What auth gives for a key."""

    access_token: str
    expires_in: float


@dataclass(frozen=True)
class CachedToken:
    """A token, and for how long it stands for its key."""

    token: str
    seconds: float


def _forget_at(_: bytes, cached: CachedToken, now: float) -> float:
    return now + cached.seconds


class ApiKeys:
    """Knows the token that stands for a key, and asks auth once for all who want to know.

    Keys are remembered by their SHA-256 only: what is held here for long opens nothing.
    """

    def __init__(self, http: ClientSession, auth_url: str, tokens: TokenVerifier) -> None:
        self._http = http
        self._url = f"{auth_url}/internal/token"
        self._tokens = tokens
        self._known: TLRUCache[bytes, CachedToken] = TLRUCache(_CACHE_KEYS, _forget_at)
        # Apart from the good ones, so that guessing does not push those out.
        self._refused: TTLCache[bytes, bool] = TTLCache(_CACHE_KEYS, _REFUSED_SECONDS)
        self._exchanges: dict[bytes, asyncio.Task[bytes]] = {}

    async def token(self, key: bytes) -> bytes:
        """Return a valid token for the key; raises `InvalidApiKey`, `Unavailable`."""
        if not _KEY.fullmatch(key):
            raise InvalidApiKey
        digest = hashlib.sha256(key).digest()
        if cached := self._known.get(digest):
            try:
                await self._tokens.verify(cached.token)
                return cached.token.encode()
            except Unauthorized:
                # Denied since: the key was revoked, or its owner has other rights now.
                self._known.pop(digest, None)
        if digest in self._refused:
            raise InvalidApiKey
        return await self._share_exchange(digest, key)

    async def _share_exchange(self, digest: bytes, key: bytes) -> bytes:
        exchange = self._exchanges.get(digest)
        if exchange is None:
            exchange = asyncio.create_task(self._exchange(digest, key.decode()))
            exchange.add_done_callback(lambda _: self._exchanges.pop(digest))
            self._exchanges[digest] = exchange
        return await asyncio.shield(exchange)  # who leaves does not end it for the others

    async def _exchange(self, digest: bytes, key: str) -> bytes:
        try:
            exchanged = await self._ask(key)
            await self._tokens.verify(exchanged.access_token)
        except Unauthorized as error:
            logger.info("API key refused", reason=error.detail)
            self._refused[digest] = True
            raise InvalidApiKey from error
        seconds = min(exchanged.expires_in - _MARGIN_SECONDS, _CACHE_SECONDS)
        self._known[digest] = CachedToken(exchanged.access_token, seconds)
        return exchanged.access_token.encode()

    async def _ask(self, key: str) -> Exchanged:
        attempt = Attempt(repeatable=True)
        try:
            async with self._http.post(
                self._url,
                json={"api_key": key},
                headers={
                    "Content-Type": "application/json",
                    "X-Request-ID": request_id(),
                    **trace_headers(),
                },
                allow_redirects=False,
                timeout=_ANSWER,
                middlewares=(attempt,),
                trace_request_ctx=attempt,
            ) as response:
                if response.status == 401:
                    raise InvalidApiKey
                response.raise_for_status()
                return Exchanged.model_validate_json(await response.read())
        except (ClientError, TimeoutError, ValidationError) as error:
            logger.warning("API key could not be exchanged", error=kind_of(error))
            raise Unavailable("API keys cannot be checked right now.") from error
