"""Everything that can go wrong when somebody wants to come in, by the name a client sees."""

from common.errors import Problem, Unauthorized


class UnsupportedMediaType(Problem):
    """The body is neither the OAuth2 form nor JSON."""

    status, slug = 415, "unsupported-media-type"
    title = "Send application/x-www-form-urlencoded or application/json"


class InvalidCredentials(Unauthorized):
    """There is no such user, or the password is another: the answer is the same."""

    slug, title = "invalid-credentials", "The username or the password is wrong"
    commits = True  # the audit log keeps the attempt


class TooManyAttempts(Problem):
    """So many attempts have failed that the next one has to wait."""

    status, slug, title = 429, "too-many-attempts", "Too many attempts; wait a little"

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"Try again in {seconds} s.", headers={"Retry-After": str(seconds)}, retry_after=seconds
        )


class MfaRequired(Unauthorized):
    """The password was right; the second factor is still missing."""

    slug, title = "mfa-required", "Send the code of your authenticator to /auth/mfa/verify"
    commits = True

    def __init__(self, mfa_token: str, *, expires_in: int) -> None:
        super().__init__()
        self.headers["Cache-Control"] = "no-store"
        self.members = {"mfa_token": mfa_token, "expires_in": expires_in}


class InvalidRefreshToken(Unauthorized):
    """The refresh token was never issued, or came another way than it was given out."""

    slug, title = "invalid-refresh-token", "The refresh token is not valid"


class SessionEnded(Unauthorized):
    """The session was logged out, was revoked, or has reached the end of its life."""

    slug, title = "session-ended", "The session has ended; sign in again"


class RefreshTokenReused(Unauthorized):
    """A spent refresh token came back, so it is in two hands, and the session was revoked."""

    slug, title = "refresh-token-reused", "The refresh token was used before; sign in again"
    commits = True


class SessionNotFound(Problem):
    """There is no such session, or it is somebody else's."""

    status, slug, title = 404, "session-not-found", "There is no such session"


class SessionRequired(Problem):
    """An API key cannot do this: it is for somebody who has signed in."""

    status, slug, title = 403, "session-required", "Sign in for this; an API key is not enough"


class CsrfTokenInvalid(Problem):
    """The request came with cookies, but without what only the site's own pages can know."""

    status, slug, title = 403, "csrf-token-invalid", "The X-CSRF-Token header is missing or wrong"


class OAuthError(Problem):
    """A token request that fails, with the members that OAuth clients look for.

    RFC 6749, section 5.2: `error` is one of its literals, the status is 400.
    """

    status, slug, title = 400, "invalid-grant", "The token request was refused"

    def __init__(self, error: str, detail: str, **members: object) -> None:
        super().__init__(
            detail,
            headers={"Cache-Control": "no-store"},
            error=error,
            error_description=detail,
            **members,
        )


class RecordedOAuthError(OAuthError):
    """The same, for a failure that has left something to be kept."""

    commits = True
