"""Everything that can go wrong when somebody wants to come in, by the name a client sees."""

from collections.abc import Sequence

from common.errors import FieldError, Problem, Unauthorized


class EmailTaken(Problem):
    """Another account has this e-mail address, in whatever case it is written."""

    status, slug, title = 409, "email-taken", "This e-mail address already has an account"


class UsernameTaken(Problem):
    """Another account has this username, in whatever case it is written."""

    status, slug, title = 409, "username-taken", "This username is taken"


class WeakPassword(Problem):
    """The password does not meet the policy; `errors` says in which respects."""

    status, slug, title = 422, "weak-password", "The password is too weak"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(
            " ".join(error.message for error in errors),
            errors=[error.model_dump() for error in errors],
        )


class UnsupportedMediaType(Problem):
    """The body is neither the OAuth2 form nor JSON."""

    status, slug = 415, "unsupported-media-type"
    title = "Send application/x-www-form-urlencoded or application/json"


class InvalidCredentials(Unauthorized):
    """There is no such user, or the password is another: the answer is the same."""

    slug, title = "invalid-credentials", "The username or the password is wrong"


class AccountDeactivated(Problem):
    """The password was right, but the account has been switched off."""

    status, slug, title = 403, "account-deactivated", "This account is deactivated"


class InvalidRefreshToken(Unauthorized):
    """The refresh token was never issued."""

    slug, title = "invalid-refresh-token", "The refresh token is not valid"


class SessionEnded(Unauthorized):
    """The session was logged out, was revoked, or has reached the end of its life."""

    slug, title = "session-ended", "The session has ended; sign in again"


class RefreshTokenReused(Unauthorized):
    """A spent refresh token came back, so it is in two hands, and the session was revoked."""

    slug, title = "refresh-token-reused", "The refresh token was used before; sign in again"
    commits = True


class SigningKeyLocked(Exception):
    """A signing key was encrypted with another `QUIRE_KEY_ENCRYPTION_KEY` than the present one."""
