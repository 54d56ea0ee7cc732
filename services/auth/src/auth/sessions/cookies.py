"""Sessions in a browser's cookies: no script can read the tokens, no other site can use them.

The names' prefixes are rules that browsers enforce (RFC 6265bis, section 4.1.3): only over TLS
(or to this very machine), and `__Host-` for no other host or path.
"""

import hashlib
import hmac
from uuid import UUID

from fastapi import Response

ACCESS_COOKIE = "__Host-quire_access"
REFRESH_COOKIE = "__Secure-quire_refresh"
CSRF_COOKIE = "__Host-quire_csrf"
_REFRESH_PATH = "/api/v1/auth"


class CsrfTokens:
    """Makes a session's CSRF token, which the site's pages read and repeat in a header."""

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.sha256(b"csrf" + key).digest()

    def token(self, session_id: UUID) -> str:
        """Return the session's token."""
        return hmac.new(self._key, session_id.bytes, hashlib.sha256).hexdigest()

    def digest(self, session_id: UUID) -> str:
        """Return what the access token says about it: enough to check it, not to know it."""
        return hashlib.sha256(self.token(session_id).encode()).hexdigest()

    def is_right(self, token: str | None, session_id: UUID) -> bool:
        """Tell whether a request knows the session's token."""
        return hmac.compare_digest((token or "").encode(), self.token(session_id).encode())


def set_cookies(
    response: Response,
    *,
    access_token: str,
    refresh_token: str,
    csrf_token: str,
    access_seconds: int,
    session_seconds: int,
) -> None:
    """Give the browser the tokens, and its pages the CSRF token."""
    _set(response, ACCESS_COOKIE, access_token, seconds=access_seconds)
    _set(response, REFRESH_COOKIE, refresh_token, seconds=session_seconds, path=_REFRESH_PATH)
    _set(response, CSRF_COOKIE, csrf_token, seconds=session_seconds, readable=True)


def clear_cookies(response: Response) -> None:
    """Take everything back."""
    _set(response, ACCESS_COOKIE, "", seconds=0)
    _set(response, REFRESH_COOKIE, "", seconds=0, path=_REFRESH_PATH)
    _set(response, CSRF_COOKIE, "", seconds=0, readable=True)


def _set(
    response: Response,
    name: str,
    value: str,
    *,
    seconds: int,
    path: str = "/",
    readable: bool = False,
) -> None:
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path=path,
        secure=True,
        httponly=not readable,
        samesite="lax",
    )
