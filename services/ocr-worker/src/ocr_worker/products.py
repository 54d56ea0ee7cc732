"""What can be made of an open document: the searchable PDF, and pictures of its pages.

The work is done in the box (see `making`). A file that was made there is checked, and copied to
where the caller wants it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ocr_worker.box import Box
from ocr_worker.errors import (
    DocumentTooComplex,
    PageOutOfMemory,
    PageTimedOut,
    ReaderCrashed,
)
from ocr_worker.pages import PageResult
from ocr_worker.rendering import LONGEST_SIDE, PictureFormat

THUMBNAIL = 400
"""Pixels of the longer side of a thumbnail."""

_SECONDS_PER_PAGE = 0.2
_HEADS: Mapping[PictureFormat, bytes] = {"webp": b"RIFF", "png": b"\x89PNG\r\n\x1a\n"}

Request = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a page: width and height in pixels, size in bytes, and what it is."""

    width: int
    height: int
    size: int
    media_type: str


@dataclass(frozen=True, slots=True)
class Searchable:
    """A searchable PDF, and how it differs from the original beside the words."""

    size: int
    """In bytes."""
    pages: int
    worded: int
    """How many pages got words."""
    left_out: tuple[int, ...]
    """Pages that could not get theirs; they are in it as they were, or empty."""
    signatures_removed: int
    """How many digital signatures the original had; a changed copy cannot keep them."""
    encrypted: bool
    """Whether it opens with the original's password only, as the original does."""
    archival: bool
    """Whether it is PDF/A-2b, checked by pikepdf's validator."""


async def assemble(
    box: Box, results: Mapping[int, Path], target: Path, *, archival: bool = False
) -> Searchable:
    """Write a searchable PDF: the original with the recognised words laid over it, unseen.

    `results` has the file of a `PageResult` for each page that was read; they are opened one by
    one. Pages without one, and those whose text was stored in them, stay as they are. Raises a
    `DocumentError` (`DocumentTooComplex`, `DocumentNotArchivable`, `OutputTooLarge`, …) or
    `ReaderCrashed`.
    """
    name = "searchable.pdf"
    try:
        made, size = await box.make(
            _layers(box, results, name, archival=archival),
            file=name,
            target=target,
            head=b"%PDF-",
            seconds=box.limits.page_seconds + _SECONDS_PER_PAGE * box.pages,
        )
    except (PageOutOfMemory, PageTimedOut) as error:
        raise DocumentTooComplex from error
    if made.pages is None:
        raise ReaderCrashed
    return Searchable(
        size=size,
        pages=made.pages,
        worded=made.worded,
        left_out=made.left_out,
        signatures_removed=made.signatures_removed,
        encrypted=made.encrypted,
        archival=archival,
    )


async def draw(
    box: Box,
    number: int,
    target: Path,
    *,
    width: int,
    height: int = LONGEST_SIDE,
    form: PictureFormat = "webp",
) -> Picture:
    """Write a picture of a page (the first is 1), as large as fits into width and height in pixels.

    Raises a `PageError`, or `IndexError` for a page that the document does not have.
    """
    if not 1 <= number <= box.pages:
        raise IndexError(f"The document has no page {number}.")
    name = f"page.{form}"
    made, size = await box.make(
        [{"draw": number, "within": (width, height), "form": form, "file": name}],
        file=name,
        target=target,
        head=_HEADS[form],
        seconds=box.limits.page_seconds,
    )
    if made.width is None or made.height is None:
        raise ReaderCrashed
    return Picture(made.width, made.height, size, f"image/{form}")


async def draw_thumbnail(box: Box, target: Path) -> Picture:
    """Write a small WebP picture of the first page. Raises a `PageError`."""
    return await draw(box, 1, target, width=THUMBNAIL, height=THUMBNAIL)


def was_recognised(result: PageResult) -> bool:
    """Tell whether words of a page were recognised, and are not yet in the document as text."""
    return result.source == "ocr" or "+" in (result.backend or "")


def _layers(
    box: Box, results: Mapping[int, Path], name: str, *, archival: bool
) -> Iterator[Request]:
    for number in range(1, box.pages + 1):
        path = results.get(number)
        result = path and PageResult.model_validate_json(path.read_bytes())
        if result and was_recognised(result):
            words = [(word.text, word.bbox) for word in result.words]
            yield {"lay": number, "size": (result.width, result.height), "words": words}
        else:
            yield {"keep": number}
    yield {"save": name, "archival": archival}
