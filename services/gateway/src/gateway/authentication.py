"""Who is asking, decided at the edge: a service sees a verified access token, or nothing."""

import hashlib
import hmac

from common.errors import Problem, Unauthorized
from common.security import TokenVerifier
from prometheus_client import Counter
from starlette.types import Scope

from gateway import routes
from gateway.api_keys import ApiKeys
from gateway.credentials import Credentials
from gateway.errors import AmbiguousCredentials, CsrfTokenInvalid

refused = Counter("credentials_refused", "Requests refused for their credentials.", ["reason"])

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Authenticator:
    """Turns every kind of credential into the one that services know."""

    def __init__(self, tokens: TokenVerifier, api_keys: ApiKeys) -> None:
        self._tokens = tokens
        self._api_keys = api_keys

    async def identify(self, service: str, scope: Scope) -> dict[bytes, bytes]:
        """Return the header fields that take the place of a request's credentials.

        Raises a Problem for credentials that are not good, and `Unavailable` while nobody can
        tell whether they are.
        """
        if scope["method"] == "OPTIONS":
            return {}  # it asks what can be asked; browsers send it without credentials (Fetch)
        sent = Credentials.of(scope)
        path = scope["raw_path"].decode("ascii")
        if path in routes.PUBLIC:
            # An OAuth2 client may name itself here (RFC 6749, section 2.3.1).
            as_client = path == routes.TOKEN and sent.has_scheme(b"basic")
            return _fields(service, sent, sent.authorization[0] if as_client else None)
        try:
            token = await self._token(sent, scope["method"])
        except Problem as problem:
            refused.labels(problem.slug).inc()
            raise
        return _fields(service, sent, b"Bearer " + token if token else None)

    async def _token(self, sent: Credentials, method: str) -> bytes | None:
        cookies = sent.access_cookies
        if len(sent.authorization) + len(sent.api_key) + bool(cookies) > 1:
            raise AmbiguousCredentials
        if sent.authorization:
            return await self._bearer(sent)
        if sent.api_key:
            return await self._api_keys.token(sent.api_key[0])
        if len(cookies) == 1:
            return await self._cookie(cookies[0], sent, method)
        return None

    async def _bearer(self, sent: Credentials) -> bytes:
        if not sent.has_scheme(b"bearer"):
            raise Unauthorized("The only scheme here is Bearer: `Authorization: Bearer …`.")
        token = sent.authorization[0].partition(b" ")[2].strip()
        await self._tokens.verify(_text(token))
        return token

    async def _cookie(self, token: bytes, sent: Credentials, method: str) -> bytes | None:
        try:
            user = await self._tokens.verify(_text(token))
        except Unauthorized:
            return None  # a browser sends its old cookie with the next sign-in, too
        if method not in _SAFE and not _knows(user.csrf, sent.csrf_token):
            raise CsrfTokenInvalid
        return token if user.csrf else None


def identify_socket(service: str, scope: Scope) -> dict[bytes, bytes]:
    """Return the header fields that take the place of the credentials of a WebSocket's handshake.

    Other sites' pages may open sockets, and the browser adds our cookies to the handshake, so
    that a cookie proves nothing here; a token is the service's to verify, as it comes in the
    query or in a message as well.
    """
    sent = Credentials.of(scope)
    if len(sent.authorization) > 1:
        raise AmbiguousCredentials
    return _fields(service, sent, sent.authorization[0] if sent.has_scheme(b"bearer") else None)


def _fields(service: str, sent: Credentials, authorization: bytes | None) -> dict[bytes, bytes]:
    fields = {b"authorization": authorization} if authorization else {}
    if cookies := sent.cookies_for(service):
        fields[b"cookie"] = b"; ".join(cookies)
    return fields


def _knows(csrf: str | None, tokens: list[bytes]) -> bool:
    """Tell whether a page that only our own scripts can read has had its say."""
    return (
        csrf is not None
        and len(tokens) == 1
        and hmac.compare_digest(hashlib.sha256(tokens[0]).hexdigest(), csrf)
    )


def _text(token: bytes) -> str:
    return token.decode("latin-1")  # of any bytes, since the verifier takes only a few of them
