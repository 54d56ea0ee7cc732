"""The reader: the process in the box that opens one document and reads its pages.

It is started by `process.ReaderProcess` as `python -m ocr_worker.child`. Each line on its standard
input is a request in JSON, and each is answered by one line on its standard output:

    {"path": …, "limits": {…}, "password": …}        {"pages": 3}
    {"page": 2, "language": …, "force_ocr": …,
     "backend": {"name": …, "made_by": …}}           {"result": {…}}
                                     or, see below    {"picture": {…}}
    {"draw": 2, …} and others of `making`            {"made": {…}}
    {"look": 2, …} and others of `inspecting`        {"inspected": {…}}
                                              or      {"error": {"slug": …, "detail": …}}

A backend that is made by nothing is not in the box: for that one, a picture of the page is left in
the current directory (see `bitmap`).
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from ocr_worker.backends.protocol import Backend
from ocr_worker.bitmap import write_bitmap
from ocr_worker.confinement import allow_cpu, confine
from ocr_worker.errors import ReadingError
from ocr_worker.formats import Format, format_of
from ocr_worker.guard import OUT_OF_MEMORY, fork_reader
from ocr_worker.images import ImagePages
from ocr_worker.inspecting import Inspector
from ocr_worker.limits import Limits
from ocr_worker.making import Maker
from ocr_worker.pdf import PdfPages
from ocr_worker.recognition import Ocr, Prepared

_STDIN, _STDOUT, _STDERR = 0, 1, 2
_PAGES_PER_SECOND = 10


@dataclass(slots=True)
class _Reader:
    """One open document and what may be asked of it."""

    document: PdfPages | ImagePages
    limits: Limits
    maker: Maker
    inspector: Callable[[], Inspector]
    backends: dict[str, Backend] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, limits: Limits, password: str | None) -> "_Reader":
        form = format_of(path)
        document = (
            PdfPages(path, limits, password=password)
            if form is Format.PDF
            else ImagePages(path, form, limits)
        )
        maker = Maker(path, form, pages=document.pages, limits=limits, password=password)
        inspector = cache(partial(Inspector, path, form, limits=limits, password=password))
        return cls(document, limits, maker, inspector)

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if "page" in request:
            return self.read(request)
        if "look" in request or "facts" in request:
            return {"inspected": self.inspect(request)}
        return {"made": self.make(request)}

    def inspect(self, request: Mapping[str, Any]) -> dict[str, Any]:
        allow_cpu(self.limits.cpu_seconds)
        return self.inspector().answer(request)

    def make(self, request: Mapping[str, Any]) -> dict[str, Any]:
        # A document has more to be made of the more pages it has.
        allow_cpu(self.limits.cpu_seconds + self.document.pages // _PAGES_PER_SECOND)
        return self.maker.answer(request)

    def read(self, request: Mapping[str, Any]) -> dict[str, Any]:
        allow_cpu(self.limits.cpu_seconds)
        number = request["page"]
        ocr = Ocr(
            request["backend"]["name"],
            self._backend(request["backend"]["made_by"]),
            request["language"],
        )
        reading = self.document.read(number, ocr=ocr, force_ocr=request["force_ocr"])
        if isinstance(reading, Prepared):
            write_bitmap(reading.picture)
            picture = {"number": number, "dpi": reading.dpi, **asdict(reading.placement)}
            return {"picture": picture}
        return {"result": reading.as_json(number)}

    def _backend(self, made_by: str | None) -> Backend | None:
        if made_by is None:
            return None
        if made_by not in self.backends:
            module, _, name = made_by.partition(":")
            self.backends[made_by] = getattr(import_module(module), name)()
        return self.backends[made_by]


def main() -> NoReturn:
    """Split off the guard, lock the box from within, and answer until nobody asks any more."""
    # Whatever a library prints goes to standard error, so that it cannot pass for an answer.
    answers = os.fdopen(os.dup(_STDOUT), "wb")
    os.dup2(_STDERR, _STDOUT)
    fork_reader(answers.fileno())
    requests = os.fdopen(_STDIN, "rb", closefd=False)
    try:
        _serve(requests, answers)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    sys.exit()


def _serve(requests: BinaryIO, answers: BinaryIO) -> None:
    opening = json.loads(requests.readline())
    limits = Limits(**opening["limits"])
    path = Path(opening["path"])
    confine(limits, document=path)
    try:
        reader = _Reader.open(path, limits, opening["password"])
    except ReadingError as error:
        _answer(answers, _failure(error))
        return
    _answer(answers, {"pages": reader.document.pages})
    for line in requests:
        request = json.loads(line)
        try:
            answer = reader.answer(request)
        except ReadingError as error:
            answer = _failure(error)
        _answer(answers, answer)


def _failure(error: ReadingError) -> dict[str, Any]:
    return {"error": {"slug": error.slug, "detail": error.detail}}


def _answer(answers: BinaryIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    main()
