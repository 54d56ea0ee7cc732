"""Everything that can go wrong with a document, by the name a client sees."""

from common.errors import FieldError, InvalidInput, Problem


class DocumentNotFound(Problem):
    """There is no such document, or it belongs to somebody else: the answer is the same."""

    status, slug, title = 404, "document-not-found", "There is no such document"


class PageNotFound(Problem):
    """Nothing was read on this page: not yet, not at all, or the document does not have it."""

    status, slug, title = 404, "page-not-found", "There is nothing that was read on this page"


class TooManyTags(Problem):
    """With one more tag the document would have more than it can."""

    status, slug, title = 422, "too-many-tags", "The document cannot have so many tags"


class PreconditionFailed(Problem):
    """The document is not in the state that the client wanted to act upon."""

    status, slug, title = 412, "precondition-failed", "Somebody has changed it meanwhile"


class UnknownReference(InvalidInput):
    """A field names a category or supplier that the user does not have."""

    def __init__(self, field: str) -> None:
        error = FieldError(
            pointer=f"/body/{field}", message="You have none with this id", type="unknown_reference"
        )
        super().__init__(f"{error.pointer}: {error.message}", errors=[error.model_dump()])
