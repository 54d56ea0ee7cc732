"""Access tokens: from a bearer token to a `CurrentUser`.

The rules are those of RFC 8725 and RFC 9068: one pinned algorithm, an explicit type, all the
claims required, and keys only from our own JWKS, whatever the token's header says.
"""

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Protocol
from uuid import UUID

import structlog
from cachetools import TTLCache
from contracts import Permission
from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from jose import jwt
from jose.backends.base import Key
from jose.exceptions import JOSEError
from pydantic import BaseModel, ConfigDict, Strict
from starlette.requests import HTTPConnection

from common.errors import Forbidden, Unauthorized
from common.keys import ALGORITHM, FetchKeys, IssuerKeys

logger = structlog.get_logger(__name__)

ACCESS_TOKEN = "at+jwt"
STREAM_TICKET = "ticket+jwt"
LEEWAY_SECONDS = 10
_MAX_TOKEN_CHARS = 8192
# RFC 7515, section 2: base64url without padding, line breaks or bits that mean nothing. jose skips
# whatever is no base64, so that one token could be written in any number of ways. A signature of
# 64 bytes ends with a character that carries two bits.
_COMPACT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]{85}[AQgw]", re.ASCII)
# Header fields that would change what is signed or how it is read. jose reads over all of them,
# although whoever does not understand `crit` must refuse it (RFC 7515, section 4.1.11).
_NOT_UNDERSTOOD = frozenset({"crit", "b64", "zip", "enc"})
# A signature takes 140 µs to verify (2 cores of 2024), and a client sends the same token again
# and again. Whether it was denied or has run out since is looked at every time.
_CACHE_SECONDS = 5
_CACHE_TOKENS = 10_000


@dataclass(frozen=True)
class User:
    """Who is asking, as far as the token tells."""

    id: UUID
    session_id: UUID
    """The sign-in that the token comes from, or the API key."""
    token_id: str
    expires_at: int
    """Unix time in seconds."""
    version: int = 0
    """Of the user's rights; it grows when they shrink, and older tokens are refused."""
    permissions: frozenset[str] = frozenset()
    is_api_key: bool = False
    csrf: str | None = None
    """What a browser must also know if it sends the token as a cookie: the SHA-256 of it, hex."""


class DeniesTokens(Protocol):
    """Knows which tokens are refused although they have not run out (`common.denylist`)."""

    def denies(self, token: User) -> bool:
        """Tell whether a token is refused."""


class _Claims(BaseModel):
    """What is read of a token. jose would take "1" or true for a time, 1e400 for a bug."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    sub: Annotated[UUID, Strict(False)]
    sid: Annotated[UUID, Strict(False)]
    jti: str
    iat: float
    exp: float
    nbf: float = 0
    ver: int = 0
    permissions: Annotated[frozenset[str], Strict(False)] = frozenset()
    api_key: bool = False
    csrf: str | None = None

    def user(self) -> User:
        """Return whom the token speaks for."""
        return User(
            id=self.sub,
            session_id=self.sid,
            token_id=self.jti,
            expires_at=int(self.exp),
            version=self.ver,
            permissions=self.permissions,
            is_api_key=self.api_key,
            csrf=self.csrf,
        )


class TokenVerifier:
    """Verifies tokens against the issuer's published keys, which it fetches when it needs them."""

    def __init__(
        self,
        fetch_keys: FetchKeys,
        *,
        issuer: str,
        audience: str,
        denylist: DeniesTokens | None = None,
    ) -> None:
        self._keys = IssuerKeys(fetch_keys)
        self._issuer = issuer
        self._audience = audience
        self._denylist = denylist
        self._verified: TTLCache[tuple[str, str], User] = TTLCache(_CACHE_TOKENS, _CACHE_SECONDS)

    async def verify(self, token: str, *, kind: str = ACCESS_TOKEN) -> User:
        """Return whom the token speaks for; raises `Unauthorized`, `Unavailable`."""
        user = self._verified.get((kind, token))
        if user is None:
            user = await self._verify(token, kind)
            self._verified[kind, token] = user
        elif user.expires_at + LEEWAY_SECONDS < time.time():
            raise Unauthorized("The token has run out.", invalid_token=True)
        if self._denylist is not None and self._denylist.denies(user):
            raise Unauthorized("The token was revoked.", invalid_token=True)
        return user

    async def refresh(self) -> None:
        """Fetch the keys; raises `Unavailable`."""
        await self._keys.refresh()

    async def _verify(self, token: str, kind: str) -> User:
        if len(token) > _MAX_TOKEN_CHARS:
            raise Unauthorized("The token is too long.", invalid_token=True)
        if not _COMPACT.fullmatch(token):
            raise Unauthorized("This is no token.", invalid_token=True)
        try:
            header = jwt.get_unverified_header(token)
            if header.get("typ") != kind or header.get("alg") != ALGORITHM:
                raise Unauthorized("The token is of another kind.", invalid_token=True)
            if not _NOT_UNDERSTOOD.isdisjoint(header):
                raise Unauthorized("The token wants what we do not offer.", invalid_token=True)
            claims = self._claims(token, await self._keys.get(header.get("kid")))
        except (JOSEError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise Unauthorized("The token is not valid.", invalid_token=True) from error
        if claims.iat > time.time() + LEEWAY_SECONDS:
            raise Unauthorized("The token is from the future.", invalid_token=True)
        return claims.user()

    def _claims(self, token: str, key: Key) -> _Claims:
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=self._audience,
            issuer=self._issuer,
            options={"require_aud": True, "leeway": LEEWAY_SECONDS},
        )
        return _Claims.model_validate(claims)


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


def require(permission: Permission) -> Callable[[User], Awaitable[User]]:
    """Return a dependency that is the current user, if they have the permission."""

    async def permitted(user: CurrentUser) -> User:
        if permission not in user.permissions:
            raise Forbidden(permission)
        return user

    return permitted
