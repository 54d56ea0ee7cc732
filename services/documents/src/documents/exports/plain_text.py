"""Plain text: the pages as they were read, a form feed between two of them."""

from collections.abc import AsyncIterator

from documents.exports.pages import MissingPage, StoredPages
from documents.schemas import DocumentOut

_PAGE_BREAK = "\f"


async def write_text(_: DocumentOut, pages: StoredPages) -> AsyncIterator[bytes]:
    """Yield the text; what stands between two form feeds is a page, also one that is missing."""
    separator = ""
    async for page in pages.texts():
        if isinstance(page, MissingPage):
            text = f"[Page {page.number} was not read: {page.reason}]"
        else:
            text = page.text.replace(_PAGE_BREAK, "\n").strip()
        yield f"{separator}{text}\n".encode()
        separator = _PAGE_BREAK
