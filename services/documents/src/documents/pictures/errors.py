"""Why there is no picture, or no searchable PDF."""

from common.errors import Problem


class NoSuchPage(Problem):
    """The document ends before this page."""

    status, slug, title = 404, "no-such-page", "The document has no such page"


class NoPicture(Problem):
    """The page cannot be drawn; the detail says why."""

    status, slug, title = 404, "no-picture", "There is no picture of this page"


class SearchablePdfPending(Problem):
    """The document is still being read."""

    status, slug = 409, "searchable-pdf-pending"
    title = "The document has not been read to its end yet"


class NoSearchablePdf(Problem):
    """None could be made of the document; the detail says why."""

    status, slug, title = 404, "no-searchable-pdf", "There is no searchable PDF of this document"
