"""The tokens that auth signs, and how long each is good for."""

import time
from uuid import UUID, uuid4

from common.security import ACCESS_TOKEN, STREAM_TICKET

from auth.keyring.keyring import Keyring
from auth.roles.repository import Rights

TICKET_SECONDS = 30
MFA_SECONDS = 300
MFA_TOKEN = "mfa+jwt"


class TokenSigner:
    """Signs tokens that every service can verify with the published keys (RFC 9068)."""

    def __init__(
        self, keys: Keyring, *, issuer: str, audience: str, access_token_seconds: int
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self.access_token_seconds = access_token_seconds

    def access_token(
        self,
        *,
        user_id: UUID,
        session_id: UUID,
        version: int,
        rights: Rights,
        csrf: str | None = None,
    ) -> str:
        """Return a token that speaks for the user until it runs out.

        `csrf` is the digest of what a browser must know besides, if it sends the token as a
        cookie.
        """
        extra: dict[str, object] = {
            "roles": list(rights.roles),
            "permissions": sorted(rights.permissions),
        }
        if csrf is not None:
            extra["csrf"] = csrf
        return self._sign(
            ACCESS_TOKEN,
            user_id=user_id,
            session_id=session_id,
            seconds=self.access_token_seconds,
            ver=version,
            **extra,
        )

    def api_key_token(
        self, *, user_id: UUID, key_id: UUID, version: int, scopes: frozenset[str], seconds: int
    ) -> str:
        """Return a token that speaks for an API key; its session is the key itself."""
        return self._sign(
            ACCESS_TOKEN,
            user_id=user_id,
            session_id=key_id,
            seconds=seconds,
            ver=version,
            permissions=sorted(scopes),
            api_key=True,
        )

    def ticket(
        self, *, user_id: UUID, session_id: UUID, version: int, permissions: frozenset[str]
    ) -> str:
        """Return a ticket: a token of another kind, so that neither is taken for the other."""
        return self._sign(
            STREAM_TICKET,
            user_id=user_id,
            session_id=session_id,
            seconds=TICKET_SECONDS,
            ver=version,
            permissions=sorted(permissions),
        )

    def mfa_token(self, *, user_id: UUID, version: int) -> str:
        """Return what shows, for some minutes, that the password was right."""
        return self._sign(
            MFA_TOKEN, user_id=user_id, session_id=uuid4(), seconds=MFA_SECONDS, ver=version
        )

    def _sign(
        self, kind: str, *, user_id: UUID, session_id: UUID, seconds: int, **extra: object
    ) -> str:
        issued = int(time.time())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": uuid4().hex,
            "iat": issued,
            "exp": issued + seconds,
            **extra,
        }
        return self._keys.sign(claims, kind=kind)
