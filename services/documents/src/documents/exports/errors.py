"""What can go wrong when somebody wants what was read."""

from common.errors import Problem


class NothingRead(Problem):
    """No page of the document has been read: not yet, or not at all."""

    status, slug, title = 409, "nothing-read-yet", "No page of the document has been read"
