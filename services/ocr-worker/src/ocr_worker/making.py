"""What the reader makes of a document beside reading it; the worker's side is `products`.

Each request is a line of JSON, each answer the fields of a `products.Made`:

    {"lay": 2, "size": [612, 792], "words": [["Hello", [72, 72, 99, 84]], …]}     {}
    {"keep": 3}     {}
    {"save": "searchable.pdf", "archival": false}     {"pages": 3, "worded": 2, …}
    {"draw": 2, "within": [800, 800], "form": "webp", "file": "page.webp"}     {"width": 618, …}

Files are made in the current directory, which is the reader's own.
"""

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocr_worker.errors import OutputTooLarge, PageError
from ocr_worker.formats import Format
from ocr_worker.limits import Limits
from ocr_worker.reading import ReadWord
from ocr_worker.rendering import PagePictures

if TYPE_CHECKING:
    from ocr_worker.searchable.assembling import SearchablePdf


class Maker:
    """Makes a searchable PDF, in several steps, and pictures of pages."""

    def __init__(
        self, path: Path, form: Format, *, pages: int, limits: Limits, password: str | None = None
    ) -> None:
        self._path = path
        self._form = form
        self._pages = pages
        self._limits = limits
        self._password = password
        self._pictures: PagePictures | None = None
        self._searchable: SearchablePdf | None = None
        self._left_out: list[int] = []

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a request asks for. Raises a `ReadingError`."""
        try:
            if "draw" in request:
                return self._draw(request)
            if "lay" in request:
                return self._lay(request)
            if "keep" in request:
                return self._keep(request["keep"])
            return self._save(request)
        except OSError as error:
            if error.errno in (errno.EFBIG, errno.ENOSPC):
                raise OutputTooLarge from error
            raise

    def _draw(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if self._pictures is None:
            self._pictures = PagePictures(
                self._path, self._form, limits=self._limits, password=self._password
            )
        width, height = self._pictures.draw(
            request["draw"],
            Path(request["file"]),
            within=tuple(request["within"]),
            form=request["form"],
        )
        return {"width": width, "height": height}

    def _lay(self, request: Mapping[str, Any]) -> dict[str, Any]:
        words = [ReadWord(text, tuple(box), 1.0) for text, box in request["words"]]
        try:
            self._opened().add(request["lay"], tuple(request["size"]), words)
        except PageError:
            self._left_out.append(request["lay"])
        return {}

    def _keep(self, number: int) -> dict[str, Any]:
        try:
            self._opened().keep(number)
        except PageError:
            self._left_out.append(number)
        return {}

    def _save(self, request: Mapping[str, Any]) -> dict[str, Any]:
        made = self._opened().save(Path(request["save"]), archival=request["archival"])
        left_out, self._left_out, self._searchable = self._left_out, [], None
        return {**made, "left_out": left_out}

    def _opened(self) -> "SearchablePdf":
        if self._searchable is None:
            # It takes a sixth of a second to load; whoever reads pages does not need it.
            from ocr_worker.searchable.assembling import SearchablePdf  # noqa: PLC0415

            self._searchable = SearchablePdf(
                *(self._path, self._form),
                pages=self._pages,
                limits=self._limits,
                password=self._password,
            )
        return self._searchable
