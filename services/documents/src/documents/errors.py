"""Everything that can go wrong with a document, by the name a client sees."""

from common.errors import Problem


class DocumentNotFound(Problem):
    """There is no such document, or it belongs to somebody else: the answer is the same."""

    status, slug, title = 404, "document-not-found", "There is no such document"
