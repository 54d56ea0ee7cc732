"""The tokens that auth hands out: access tokens, tickets and refresh tokens."""

import hashlib
import secrets
import time
from uuid import UUID, uuid4

from common.security import ACCESS_TOKEN, STREAM_TICKET

from auth.keys import Keyring

TICKET_SECONDS = 30


class TokenSigner:
    """Signs tokens that every service can verify with the published keys (RFC 9068)."""

    def __init__(
        self, keys: Keyring, *, issuer: str, audience: str, access_token_seconds: int
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self.access_token_seconds = access_token_seconds

    def access_token(self, *, user_id: UUID, session_id: UUID) -> str:
        """Return a token that speaks for the user until it runs out."""
        return self._sign(
            ACCESS_TOKEN, user_id=user_id, session_id=session_id, seconds=self.access_token_seconds
        )

    def ticket(self, *, user_id: UUID, session_id: UUID) -> str:
        """Return a ticket: a token of another kind, so that neither is taken for the other."""
        return self._sign(
            STREAM_TICKET, user_id=user_id, session_id=session_id, seconds=TICKET_SECONDS
        )

    def _sign(self, kind: str, *, user_id: UUID, session_id: UUID, seconds: int) -> str:
        issued = int(time.time())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": uuid4().hex,
            "iat": issued,
            "exp": issued + seconds,
        }
        return self._keys.sign(claims, kind=kind)


def new_refresh_token() -> str:
    """Return a secret that nobody can guess: 256 random bits."""
    return secrets.token_urlsafe(32)


def digest(refresh_token: str) -> bytes:
    """Return what is stored of a refresh token.

    A plain hash is enough: unlike a password, 256 random bits cannot be tried out.
    """
    return hashlib.sha256(refresh_token.encode()).digest()
