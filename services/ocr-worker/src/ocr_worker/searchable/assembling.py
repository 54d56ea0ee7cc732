"""Puts a searchable PDF together, page by page, in the box."""

import shutil
import zlib
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from pikepdf import Dictionary, Name, Object, Page, PasswordError, Pdf, PdfError, Stream
from pypdfium2 import PdfDocument, PdfiumError

from ocr_worker.errors import (
    DocumentDamaged,
    DocumentEncrypted,
    DocumentNotArchivable,
    PageDamaged,
)
from ocr_worker.formats import Format
from ocr_worker.limits import Limits
from ocr_worker.page_frame import PageFrame
from ocr_worker.reading import ReadWord
from ocr_worker.searchable.glyphless import GlyphlessFont
from ocr_worker.searchable.hidden_text import remove_hidden_text
from ocr_worker.searchable.pictures import PicturePages
from ocr_worker.searchable.shown_text import ShownText
from ocr_worker.searchable.signatures import remove_signatures
from ocr_worker.searchable.text_content import text_content

_BROKEN = (
    *(PdfError, PdfiumError, IndexError, KeyError, ValueError, TypeError, AttributeError),
    *(RuntimeError, ZeroDivisionError),
)
_FONT = "QuireText"
_STANDARD = "ISO_19005_2:"
_MOST_CLAUSES = 5
_FLAVOUR = "2b"
"""PDF/A-2b: it knows everything that scans need, and every archive takes it."""


class SearchablePdf:
    """The original, and the words that have been laid over its pages so far."""

    def __init__(
        self, path: Path, form: Format, *, pages: int, limits: Limits, password: str | None = None
    ) -> None:
        self._path = path
        self._limits = limits
        self._original: PdfDocument | None = None
        self._pictures: PicturePages | None = None
        if form is Format.PDF:
            self._pdf, self._original = _opened(path, password)
        else:
            self._pdf = Pdf.new()
            self._pictures = PicturePages(path, form, pages=pages, limits=limits)
        self._font = GlyphlessFont(self._pdf)
        self._changed = self._original is None
        self._worded = 0

    def keep(self, number: int) -> None:
        """Leave a page (the first is 1) as it is.

        The frames of a picture file become pages one after the other by this and `add`. Raises
        `PageDamaged` and `PageTooLarge` for a frame that becomes an empty page.
        """
        if self._pictures is not None:
            self._pictures.append(number, self._pdf)

    def add(self, number: int, size: tuple[float, float], words: Sequence[ReadWord]) -> None:
        """Lay the recognised words of a page (the first is 1) over it.

        `size` is its width and height in the units of the words' boxes. Hidden text that the page
        has is replaced; text that it shows is not repeated. Raises `PageDamaged`, `PageTooLarge`.
        """
        self.keep(number)
        try:
            page = self._pdf.pages[number - 1]
            if self._original is None:
                frame = _frame_of_picture(page)
            else:
                self._changed |= remove_hidden_text(self._pdf, page)
                frame, shown = self._shown(number)
                x, y = frame.size[0] / size[0], frame.size[1] / size[1]
                words = [word for word in words if not shown.covers(word, x, y)]
            if words:
                self._lay(page, frame, size, words)
        except _BROKEN as error:
            raise PageDamaged from error

    def save(self, path: Path, *, archival: bool) -> dict[str, Any]:
        """Write the document; return what became of it (see `products.Searchable`).

        If no page has changed, that is the original itself, byte by byte. With `archival` it is
        PDF/A-2b, or `DocumentNotArchivable` is raised.
        """
        signatures = 0
        encrypted = self._pdf.is_encrypted
        if self._changed or archival or not _begins_as_pdf(self._path):
            signatures = remove_signatures(self._pdf)
            if self._worded:
                self._font.finish()
            if archival:
                self._save_archival(path)
            else:
                self._pdf.save(path, encryption=encrypted, deterministic_id=not encrypted)
        else:
            shutil.copyfile(self._path, path)
        return {
            "pages": len(self._pdf.pages),
            "worded": self._worded,
            "signatures_removed": signatures,
            "encrypted": encrypted,
        }

    def _save_archival(self, path: Path) -> None:
        if self._pdf.is_encrypted:
            raise DocumentNotArchivable("It is protected by a password.")
        from pikepdf import pdfa  # noqa: PLC0415 - it loads for long, and few ask for it

        try:
            pdfa.save(self._pdf, path, _FLAVOUR)
        except pdfa.PdfaError as error:
            rules = {finding.rule for finding in error.report.findings}
            clauses = sorted(rule.removeprefix(_STANDARD) for rule in rules if _STANDARD in rule)
            raise DocumentNotArchivable(
                f"It breaks {', '.join(clauses[:_MOST_CLAUSES])} of ISO 19005-2."
                if clauses
                else "It has something that could not be checked."
            ) from error

    def _shown(self, number: int) -> tuple[PageFrame, ShownText]:
        assert self._original is not None  # noqa: S101
        page = self._original[number - 1]
        try:
            frame = PageFrame.of(page)
            return frame, ShownText(page, frame, most=self._limits.characters)
        finally:
            page.close()

    def _lay(
        self,
        page: Page,
        frame: PageFrame,
        size: tuple[float, float],
        words: Sequence[ReadWord],
    ) -> None:
        name = _named(page, self._font.reference)
        content = text_content(words, size=size, frame=frame, font=self._font, name=name)
        # Under the page's own content, which may leave any state behind. Nobody sees a difference.
        packed = zlib.compress(content, 9)
        page.contents_add(Stream(self._pdf, packed, Filter=Name.FlateDecode), prepend=True)
        self._changed = True
        self._worded += 1


def _begins_as_pdf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(5) == b"%PDF-"


def _frame_of_picture(page: Page) -> PageFrame:
    left, bottom, right, top = map(float, page.mediabox)
    return PageFrame(left, bottom, right, top, int(page.obj.get(Name.Rotate, 0)))


def _named(page: Page, font: Object) -> str:
    """Return the name by which the resources of a page know a font; they may be shared."""
    fonts = page.resources.get(Name.Font)
    if not isinstance(fonts, Dictionary):
        fonts = page.resources.Font = Dictionary()
    for name, known in fonts.items():
        if known.objgen == font.objgen:
            return name
    name = next(name for name in (f"/{_FONT}{n}" for n in count()) if name not in fonts)
    fonts[name] = font
    return name


def _opened(path: Path, password: str | None) -> tuple[Pdf, PdfDocument]:
    try:
        return Pdf.open(path, password=password or ""), PdfDocument(path, password=password)
    except PasswordError as error:
        raise DocumentEncrypted from error
    except (PdfError, PdfiumError) as error:
        raise DocumentDamaged from error
