"""The reader: the process in the box that opens one document and reads its pages.

It is started by `process.ReaderProcess` as `python -m ocr_worker.child`. Each line on its standard
input is a request in JSON, and each is answered by one line on its standard output:

    {"path": …, "limits": {…}}                       {"pages": 3}
    {"page": 2, "language": …, "force_ocr": …}       {"result": {…}}
                                              or      {"error": {"slug": …, "detail": …}}
"""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from ocr_worker.confinement import allow_cpu, confine
from ocr_worker.errors import ReadingError
from ocr_worker.formats import Format, format_of
from ocr_worker.guard import OUT_OF_MEMORY, fork_reader
from ocr_worker.images import ImagePages
from ocr_worker.limits import Limits
from ocr_worker.pdf import PdfPages

_STDIN, _STDOUT, _STDERR = 0, 1, 2


@dataclass(slots=True)
class _Reader:
    """One open document and what may be asked of it."""

    document: PdfPages | ImagePages
    limits: Limits

    @classmethod
    def open(cls, path: Path, limits: Limits) -> "_Reader":
        form = format_of(path)
        if form is Format.PDF:
            return cls(PdfPages(path, limits), limits)
        return cls(ImagePages(path, form, limits), limits)

    def read(self, page: int, language: str, force_ocr: bool) -> dict[str, Any]:
        allow_cpu(self.limits.cpu_seconds)
        reading = self.document.read(page, language=language, force_ocr=force_ocr)
        return reading.as_json(page)


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
    confine(limits)
    try:
        reader = _Reader.open(Path(opening["path"]), limits)
    except ReadingError as error:
        _answer(answers, _failure(error))
        return
    _answer(answers, {"pages": reader.document.pages})
    for line in requests:
        request = json.loads(line)
        try:
            result = reader.read(request["page"], request["language"], request["force_ocr"])
            answer: dict[str, Any] = {"result": result}
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
