"""What can go wrong with the second factor."""

from common.errors import Problem, Unauthorized


class InvalidMfaToken(Unauthorized):
    """The token that the login gave out is not valid any more; sign in again."""

    slug, title = "invalid-mfa-token", "Sign in again"


class InvalidCode(Unauthorized):
    """The code is wrong, has run out, or was used before."""

    slug, title = "invalid-code", "The code is not right"
    commits = True  # the audit log keeps the attempt


class CodeRequired(Problem):
    """With a second factor, the password alone does not change what matters."""

    status, slug, title = 403, "code-required", "Send a code of your authenticator, too"


class WrongCode(Problem):
    """The code that was sent as a confirmation is not right."""

    status, slug, title = 403, "wrong-code", "The code is not right"
    commits = True  # the audit log keeps the attempt


class CodeRefused(Problem):
    """The code that should confirm the authenticator is wrong."""

    status, slug, title = 422, "code-refused", "The code is not right; is the clock of the device?"


class MfaAlreadyOn(Problem):
    """There is a second factor already; switch it off before you set up another."""

    status, slug, title = 409, "mfa-already-on", "The second factor is already switched on"


class MfaNotSetUp(Problem):
    """There is no authenticator to confirm or to switch off."""

    status, slug, title = 409, "mfa-not-set-up", "No second factor is set up"
