"""What the reader tells of a PDF without recognising anything; the worker's side is `inspections`.

{"facts": true}                                     {"metadata": {…}, "encrypted": false}
{"look": 2, "tables": true, "pictures": false}      {"number": 2, "text": …, …}

Only PDF files can be asked about.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pypdfium2.raw as pdfium
from pypdfium2 import PdfDocument, PdfiumError, PdfPage

from ocr_worker.errors import DocumentDamaged, DocumentUnsupported, PageDamaged
from ocr_worker.formats import Format
from ocr_worker.limits import Limits
from ocr_worker.page_content import survey
from ocr_worker.page_frame import PageFrame
from ocr_worker.tables.finding import tables_of_page
from ocr_worker.text_layer import read_text_layer

_NAMES = {
    "Title": "title",
    "Author": "author",
    "Subject": "subject",
    "Keywords": "keywords",
    "Creator": "creator",
    "Producer": "producer",
    "CreationDate": "created",
    "ModDate": "modified",
}
_MOST_CHARS = 1_000
_UNPROTECTED = -1


class Inspector:
    """Looks at a PDF that could be opened, and at its pages one by one."""

    def __init__(self, path: Path, form: Format, *, limits: Limits, password: str | None) -> None:
        if form is not Format.PDF:
            raise DocumentUnsupported("It is not a PDF.")
        self._limits = limits
        try:
            self._document = PdfDocument(path, password=password)
        except PdfiumError as error:
            raise DocumentDamaged from error

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a request asks for. Raises a `ReadingError`."""
        if "facts" in request:
            return self._facts()
        try:
            page = self._document[request["look"] - 1]
        except PdfiumError as error:
            raise PageDamaged from error
        try:
            looked = self._look(page, tables=request["tables"], pictures=request["pictures"])
        except PdfiumError as error:
            raise PageDamaged from error
        finally:
            page.close()
        return {"number": request["look"], **looked}

    def _facts(self) -> dict[str, Any]:
        told = ((name, self._told(key)) for key, name in _NAMES.items())
        revision = pdfium.FPDF_GetSecurityHandlerRevision(self._document)
        return {
            "metadata": {name: text for name, text in told if text},
            "encrypted": revision != _UNPROTECTED,
        }

    def _told(self, key: str) -> str:
        try:
            text = self._document.get_metadata_value(key)
        except UnicodeDecodeError:
            return ""
        return "".join(filter(str.isprintable, text[:_MOST_CHARS])).strip()

    def _look(self, page: PdfPage, *, tables: bool, pictures: bool) -> dict[str, Any]:
        frame = PageFrame.of(page)
        layer = read_text_layer(page, frame=frame, most=self._limits.characters)
        words = layer.reading.words
        found = tables_of_page(page, frame=frame, words=words) if tables and layer.sane else []
        drawn = survey(page, frame).pictures if pictures else ()
        return {
            "width": round(frame.size[0], 2),
            "height": round(frame.size[1], 2),
            "rotation": frame.rotation,
            "text": layer.reading.text,
            "tables": [
                {
                    "bbox": [round(edge, 2) for edge in table.bbox],
                    "headers": table.headers,
                    "rows": table.rows,
                }
                for table in found
            ],
            "pictures": [
                {
                    "width": picture.width,
                    "height": picture.height,
                    "bbox": [round(edge, 2) for edge in frame.shown(picture.bounds)],
                }
                for picture in drawn
            ],
        }
