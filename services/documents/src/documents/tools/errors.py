"""What a worker may answer instead of what was asked for, by the names that it uses."""

from common.errors import Problem


class DocumentDamaged(Problem):
    """The file is broken beyond repair."""

    status, slug, title = 422, "document-damaged", "The document is damaged"


class DocumentEncrypted(Problem):
    """The file opens only with a password, and none was sent."""

    status, slug = 422, "document-encrypted"
    title = "The document is protected by a password"


class WrongPassword(Problem):
    """The password that was sent does not open the file."""

    status, slug, title = 422, "wrong-password", "The password does not open the document"


class NoSuchPage(Problem):
    """The file ends before this page."""

    status, slug, title = 422, "no-such-page", "The document has no such page"


class BackendUnavailable(Problem):
    """The backend is not installed, or cannot be used; the detail says what would help."""

    status, slug = 422, "backend-unavailable"
    title = "Text recognition by this backend is not available"


class LanguageUnavailable(Problem):
    """A language is not installed; the detail lists those that are."""

    status, slug = 422, "language-unavailable"
    title = "Pages cannot be recognised in this language"
