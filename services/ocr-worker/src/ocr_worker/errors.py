"""Why a document or a page could not be read: one class per reason, one stable name each.

Titles and details are for end users: they name no path, no library and no line of code.
"""

from typing import ClassVar


class ReadingError(Exception):
    """Something could not be read; `slug` names the reason for programs, `title` for people."""

    slug: ClassVar[str] = "reading-failed"
    title: ClassVar[str] = "The document could not be read"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.title)
        self.detail = detail


class DocumentError(ReadingError):
    """The document cannot be opened, so none of its pages will be read."""


class PageError(ReadingError):
    """One page cannot be read; the other pages are not affected."""


class DocumentDamaged(DocumentError):
    """The file is broken beyond what the reader can repair, or has no page at all."""

    slug = "document-damaged"
    title = "The document is damaged"


class DocumentEncrypted(DocumentError):
    """The document opens only with a password."""

    slug = "document-encrypted"
    title = "The document is protected by a password"


class WrongPassword(DocumentError):
    """The password that was given does not open the document."""

    slug = "wrong-password"
    title = "The password does not open the document"


class DocumentUnsupported(DocumentError):
    """The first bytes of the file are of no format that can be read."""

    slug = "document-unsupported"
    title = "The document is not a PDF, JPEG, PNG, TIFF or WebP file"


class DocumentTooComplex(DocumentError):
    """Opening the document took more time or memory than one document may have."""

    slug = "document-too-complex"
    title = "Opening the document takes too much time or memory"


class DocumentGone(DocumentError):
    """The file is no longer in the object storage."""

    slug = "document-gone"
    title = "The file of the document is no longer there"


class DocumentNotArchivable(DocumentError):
    """The document has something that PDF/A forbids; the detail names the rules."""

    slug = "document-not-archivable"
    title = "The document cannot be turned into PDF/A"


class OutputTooLarge(DocumentError):
    """What is made of the document has more bytes than one file may have."""

    slug = "output-too-large"
    title = "The result is too large"


class TooManyPages(DocumentError):
    """The document has more pages than one document may have."""

    slug = "too-many-pages"
    title = "The document has too many pages"


class PageDamaged(PageError):
    """The data of the page is broken or cut off."""

    slug = "page-damaged"
    title = "The page is damaged"


class PageTooLarge(PageError):
    """The page, or a picture on it, has more pixels or characters than one page may have."""

    slug = "page-too-large"
    title = "The page is too large"


class PageTimedOut(PageError):
    """Reading the page took longer than one page may take."""

    slug = "page-timed-out"
    title = "Reading the page took too long"


class PageOutOfMemory(PageError):
    """Reading the page took more memory than one page may take."""

    slug = "page-out-of-memory"
    title = "Reading the page takes too much memory"


class ReaderCrashed(PageError):
    """The process that read the page died, or answered nonsense."""

    slug = "reader-crashed"
    title = "The reader failed on this page"


class LanguageNotInstalled(PageError):
    """The page needs OCR in a language that is not installed."""

    slug = "language-not-installed"
    title = "The language is not installed"


class BackendFailed(PageError):
    """The server that recognises the text did not do so."""

    slug = "backend-failed"
    title = "Text recognition has failed"


class BackendUnavailable(PageError):
    """The page needs OCR by an engine that is not there."""

    slug = "backend-unavailable"
    title = "Text recognition is not available"


REASONS: dict[str, type[ReadingError]] = {
    reason.slug: reason
    for reason in (
        DocumentDamaged,
        DocumentEncrypted,
        WrongPassword,
        DocumentUnsupported,
        DocumentTooComplex,
        DocumentNotArchivable,
        OutputTooLarge,
        TooManyPages,
        PageDamaged,
        PageTooLarge,
        PageTimedOut,
        PageOutOfMemory,
        ReaderCrashed,
        LanguageNotInstalled,
        BackendUnavailable,
        BackendFailed,
    )
}
"""Every reason by its name on the wire."""
