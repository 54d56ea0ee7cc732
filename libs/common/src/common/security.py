"""Access tokens: from a bearer token to a `CurrentUser`.

The rules are those of RFC 8725 and RFC 9068: one pinned algorithm, an explicit type, all the
claims required, and keys only from our own JWKS, whatever the token's header says.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol
from uuid import UUID

import aiohttp
import structlog
from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from jose import jwk, jwt
from jose.backends.base import Key
from jose.exceptions import JOSEError
from starlette.requests import HTTPConnection

from common.errors import Unauthorized, Unavailable

logger = structlog.get_logger(__name__)

ALGORITHM = "ES256"
ACCESS_TOKEN = "at+jwt"
STREAM_TICKET = "ticket+jwt"
LEEWAY_SECONDS = 10
_REFETCH_SECONDS = 60
_FAILURE_SECONDS = 2
_MAX_TOKEN_CHARS = 8192
_REQUIRED = ("iss", "aud", "exp", "iat", "jti", "sub")


@dataclass(frozen=True)
class User:
    """Who is asking, as far as the token tells."""

    id: UUID
    session_id: UUID
    token_id: str
    expires_at: int
    """Unix time in seconds."""


class TokenVerifier:
    """Verifies tokens against the issuer's published keys, which it fetches when it needs them."""

    def __init__(
        self, http: aiohttp.ClientSession, *, jwks_url: str, issuer: str, audience: str
    ) -> None:
        self._http = http
        self._jwks_url = jwks_url
        self._issuer = issuer
        self._audience = audience
        self._keys: Mapping[str, Key] = {}
        self._fetched_at = float("-inf")
        self._failed_at = float("-inf")
        self._lock = asyncio.Lock()

    async def verify(self, token: str, *, kind: str = ACCESS_TOKEN) -> User:
        """Return whom the token speaks for; raises `Unauthorized`, `Unavailable`."""
        if len(token) > _MAX_TOKEN_CHARS:
            raise Unauthorized("The token is too long.", invalid_token=True)
        try:
            header = jwt.get_unverified_header(token)
            if header.get("typ") != kind or header.get("alg") != ALGORITHM:
                raise Unauthorized("The token is of another kind.", invalid_token=True)
            claims = self._claims(token, await self._key(header.get("kid")))
            return User(
                id=UUID(claims["sub"]),
                session_id=UUID(claims["sid"]),
                token_id=claims["jti"],
                expires_at=int(claims["exp"]),
            )
        except (JOSEError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unauthorized("The token is not valid.", invalid_token=True) from error

    async def refresh(self) -> None:
        """Fetch the keys; raises `Unavailable`."""
        try:
            async with self._http.get(
                self._jwks_url, timeout=aiohttp.ClientTimeout(total=5)
            ) as response:
                response.raise_for_status()
                document = await response.json()
            # Building a key costs more than verifying with it, so it is done once for each kid.
            self._keys = {
                entry["kid"]: jwk.construct(entry, ALGORITHM) for entry in document["keys"]
            }
        except (
            aiohttp.ClientError,
            TimeoutError,
            JOSEError,
            KeyError,
            TypeError,
            ValueError,
        ) as error:
            self._failed_at = time.monotonic()
            logger.warning("keys cannot be fetched", url=self._jwks_url, error=repr(error))
            raise Unavailable("The keys that tokens are checked with cannot be fetched.") from error
        self._fetched_at = time.monotonic()

    async def _key(self, kid: object) -> Key:
        """Return the key of that id; an unknown id asks the issuer at most once a minute."""
        if not isinstance(kid, str):
            raise Unauthorized("The token names no key.", invalid_token=True)
        if kid not in self._keys:
            async with self._lock:
                if time.monotonic() - self._failed_at < _FAILURE_SECONDS:
                    # Whoever waited for the lock need not wait for the same failure again.
                    raise Unavailable("The keys that tokens are checked with cannot be fetched.")
                stale = time.monotonic() - self._fetched_at > _REFETCH_SECONDS
                if kid not in self._keys and stale:
                    await self.refresh()
        if kid not in self._keys:
            raise Unauthorized("The token's key is unknown.", invalid_token=True)
        return self._keys[kid]

    def _claims(self, token: str, key: Key) -> dict[str, Any]:
        required = {f"require_{claim}": True for claim in _REQUIRED}
        return jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=self._audience,
            issuer=self._issuer,
            options={**required, "leeway": LEEWAY_SECONDS},
        )


class HasTokens(Protocol):
    """What a service's resources must offer for `CurrentUser` to work."""

    @property
    def tokens(self) -> TokenVerifier:
        """Verify tokens."""


_bearer = HTTPBearer(auto_error=False, description="An access token from `POST /auth/login`.")


async def _current_user(
    connection: HTTPConnection,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> User:
    if credentials is None:
        raise Unauthorized("Send an access token: `Authorization: Bearer …`.")
    resources: HasTokens = connection.app.state.resources
    return await resources.tokens.verify(credentials.credentials)


CurrentUser = Annotated[User, Depends(_current_user)]
