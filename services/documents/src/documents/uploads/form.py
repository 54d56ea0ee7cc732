"""A multipart form whose files are streamed on while they arrive (RFC 7578).

FastAPI's own `UploadFile` first writes the whole body to a temporary file; here no byte of a
file touches the disk of this process.
"""

import re
from collections import deque
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote_to_bytes

from common.idempotency import KEY_HEADER, body_was
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from python_multipart.exceptions import FormParserError, MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from documents.uploads.errors import (
    FormExpected,
    FormTooLarge,
    MalformedForm,
    UploadInterrupted,
)
from documents.uploads.fields import FormFields, shown_name
from documents.uploads.form_print import FormPrint

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

F = TypeVar("F", bound=BaseModel)

_MAX_FIELD_BYTES = 64 << 10
_MAX_HEADER_BYTES = 8 << 10
_EXTENDED_NAME = re.compile(rb"filename\*=utf-8'[a-z-]*'([^;\s]+)", re.IGNORECASE)


@dataclass(frozen=True)
class FormFile:
    """A file of a form: its name as it may be shown, and its bytes, which come only once."""

    filename: str
    chunks: AsyncIterator[bytes]


class UploadForm:
    """One form with some files; the other fields may stand before, between or after them.

    `files` is what a file's field may be called, `fields` what the others may be; of the whole
    body `max_bytes` are read at most.
    """

    def __init__(
        self,
        request: Request,
        *,
        files: Collection[str],
        max_files: int,
        fields: Collection[str],
        max_bytes: int,
    ) -> None:
        media_type, options = parse_options_header(request.headers.get("content-type"))
        boundary = options.get(b"boundary")
        if media_type != b"multipart/form-data" or not boundary:
            raise FormExpected
        self._request = request
        self._body = request.stream()
        self._parser = _parser(
            boundary,
            {
                "on_part_begin": self._part_begins,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_ends,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._data,
                "on_part_end": self._part_ends,
                "on_end": self._form_ends,
            },
        )
        self._file_names = files
        self._max_files = max_files
        self._field_names = fields
        self._max_bytes = max_bytes
        self._headers: dict[bytes, bytes] = {}
        self._name = b""
        self._value = b""
        self._field: str | None = None
        self._texts: dict[str, bytearray] = {}
        self._arrived: deque[str | bytes | None] = deque()
        self._file_count = 0
        # Only for who may send it again: it costs as much as looking at the file does.
        self._print = FormPrint() if KEY_HEADER in request.headers else None
        self._ended = False

    async def files(self) -> AsyncIterator[FormFile]:
        """Yield each file; once they are exhausted the whole form has been read.

        What is not read of a file is passed over when the next one is asked for.
        """
        arriving = self._arriving()
        async for each in arriving:
            if isinstance(each, str):
                yield FormFile(filename=each, chunks=_one_file(arriving))
        if not self._ended:
            raise MalformedForm("The last boundary is missing.")
        if not self._file_count:
            missing = {"msg": "Field required", "type": "missing"}
            raise _invalid({"loc": (next(iter(self._file_names)),), **missing})

    def fields(self) -> FormFields:
        """Return the other fields; raises `RequestValidationError`."""
        return self.fields_as(FormFields)

    def fields_as(self, kind: type[F]) -> F:
        """Return the other fields as a form of another kind has them."""
        try:
            texts = {name: value.decode() for name, value in self._texts.items()}
            return kind.model_validate(texts)
        except UnicodeDecodeError as error:
            raise MalformedForm("The fields are not UTF-8.") from error
        except ValidationError as error:
            raise _invalid(*error.errors()) from error

    async def _arriving(self) -> AsyncIterator[str | bytes | None]:
        """Yield of each file its name, its bytes, and None."""
        size = 0
        try:
            async for chunk in self._body:
                self._parser.write(chunk)
                while self._arrived:
                    yield self._arrived.popleft()
                size += len(chunk)  # afterwards: of one file that is too large, that is told
                if size > self._max_bytes:
                    raise FormTooLarge(f"At most {self._max_bytes} bytes are accepted.")
            self._parser.finalize()
        except MultipartParseError as error:
            raise MalformedForm(str(error)) from error
        except ClientDisconnect as error:
            raise UploadInterrupted from error

    def _part_begins(self) -> None:
        self._headers.clear()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]
        self._limit(len(self._name), _MAX_HEADER_BYTES)

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._limit(len(self._value), _MAX_HEADER_BYTES)

    def _header_ends(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _headers_end(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        _, options = parse_options_header(disposition)
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if not name:
            raise MalformedForm("A part has no name.")
        if name in self._file_names:
            self._file_count += 1
            if self._file_count > self._max_files:
                problem = {"msg": f"At most {self._max_files} of them", "type": "too_many"}
                raise _invalid({"loc": (name,), **problem})
            self._field = None
            filename = _file_name(disposition, options)
            if self._print:
                self._print.file(filename)
            self._arrived.append(filename)
        elif name in self._field_names and name not in self._texts:
            self._field = name
            self._texts[name] = bytearray()
        elif name in self._texts and name == "tags":
            self._field = name
            self._add(b",")
        else:  # at once: a form of a million small parts would be kept until its end
            problem = {"msg": "Unknown or repeated field", "type": "extra_forbidden"}
            raise _invalid({"loc": (name,), **problem})

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._field is None:
            if self._print:
                self._print.data(data[start:end])
            self._arrived.append(data[start:end])
        else:
            self._add(data[start:end])

    def _add(self, text: bytes) -> None:
        self._texts[self._field or ""] += text
        self._limit(sum(map(len, self._texts.values())), _MAX_FIELD_BYTES)

    def _part_ends(self) -> None:
        if self._field is None:
            self._arrived.append(None)

    def _form_ends(self) -> None:
        self._ended = True
        if self._print:
            body_was(self._request, *self._print.parts(self._texts))

    @staticmethod
    def _limit(size: int, most: int) -> None:
        if size > most:
            raise MalformedForm("A field of the form is too long.")


async def _one_file(arriving: AsyncIterator[str | bytes | None]) -> AsyncIterator[bytes]:
    """Yield the bytes that come before the file's end."""
    async for each in arriving:
        if not isinstance(each, bytes):
            return
        yield each


def _parser(boundary: bytes, callbacks: "MultipartCallbacks") -> MultipartParser:
    try:
        return MultipartParser(boundary, callbacks=callbacks)
    except FormParserError as error:
        raise MalformedForm(str(error)) from error


def _file_name(disposition: bytes, options: dict[bytes, bytes]) -> str:
    """Return the name to show for a file.

    RFC 7578 forbids the form `filename*`, but some clients send it for names that are not ASCII.
    """
    extended = _EXTENDED_NAME.search(disposition)
    raw = unquote_to_bytes(extended[1]) if extended else options.get(b"filename", b"")
    return shown_name(raw.decode("utf-8", "replace"))


def _invalid(*errors: object) -> RequestValidationError:
    return RequestValidationError(
        [{**error, "loc": ("body", *error["loc"])} for error in errors if isinstance(error, dict)]
    )
