"""How a session is handed over: as JSON, or as cookies."""

from fastapi import Response

from auth.base import now
from auth.sessions.cookies import set_cookies
from auth.sessions.schemas import CookieSession, SignedIn
from auth.sessions.service import Grant
from auth.users.schemas import UserOut


class CookieJar:
    """Puts the tokens of sessions that use cookies into the response's cookies."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def answer(self, grant: Grant) -> SignedIn | CookieSession:
        """Return the body that tells of the grant."""
        user = UserOut.of(grant.user, grant.rights)
        if not grant.session.uses_cookies:
            return SignedIn(
                access_token=grant.access_token,
                refresh_token=grant.refresh_token,
                expires_in=grant.expires_in,
                user=user,
            )
        set_cookies(
            self._response,
            access_token=grant.access_token,
            refresh_token=grant.refresh_token,
            csrf_token=grant.csrf_token,
            access_seconds=grant.expires_in,
            session_seconds=int((grant.session.expires_at - now()).total_seconds()),
        )
        return CookieSession(csrf_token=grant.csrf_token, expires_in=grant.expires_in, user=user)
