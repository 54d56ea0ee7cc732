"""What can go wrong with a link."""

from common.errors import Problem


class InvalidLink(Problem):
    """The link was used before, has run out, was replaced, or was never issued."""

    status, slug, title = 422, "invalid-link", "This link does not work any more; ask for a new one"
