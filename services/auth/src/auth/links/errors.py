"""What can go wrong with a link."""

from common.errors import Problem


class InvalidLink(Problem):
    """The link was used before, has run out, was replaced, or was never issued."""

    status, slug, title = 422, "invalid-link", "This link does not work any more; ask for a new one"


class TooManyLinks(Problem):
    """So many links have been mailed lately that one more would be a nuisance."""

    status, slug, title = 429, "too-many-links", "Too many links were mailed; use the latest one"

    def __init__(self, *, retry_after: int) -> None:
        super().__init__(headers={"Retry-After": str(retry_after)})
