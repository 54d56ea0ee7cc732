"""What can be wrong with a password."""

from collections.abc import Sequence

from common.errors import FieldError, Problem


class WeakPassword(Problem):
    """The password does not meet the policy; `errors` says in which respects."""

    status, slug, title = 422, "weak-password", "The password is too weak"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(
            " ".join(error.message for error in errors),
            errors=[error.model_dump() for error in errors],
        )


class WrongPassword(Problem):
    """The password that was sent as a confirmation is not the account's."""

    status, slug, title = 403, "wrong-password", "This is not your password"
