"""A multipart form whose file is streamed on while it arrives (RFC 7578).

FastAPI's own `UploadFile` first writes the whole body to a temporary file; here no byte of a
file touches the disk of this process.
"""

import re
from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from python_multipart.exceptions import FormParserError, MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from documents.uploads.errors import FormExpected, MalformedForm, UploadInterrupted
from documents.uploads.fields import UploadFields, shown_name

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_MAX_FIELD_BYTES = 64 << 10
_MAX_HEADER_BYTES = 8 << 10
_EXTENDED_NAME = re.compile(rb"filename\*=utf-8'[a-z-]*'([^;\s]+)", re.IGNORECASE)


class UploadForm:
    """One form with one `file`; the other fields may stand before or after it."""

    def __init__(self, request: Request) -> None:
        media_type, options = parse_options_header(request.headers.get("content-type"))
        boundary = options.get(b"boundary")
        if media_type != b"multipart/form-data" or not boundary:
            raise FormExpected
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
                "on_end": self._form_ends,
            },
        )
        self._headers: dict[bytes, bytes] = {}
        self._name = b""
        self._value = b""
        self._field: str | None = None
        self._texts: dict[str, bytearray] = {}
        self._file_data: deque[bytes] = deque()
        self._ended = False
        self.filename: str | None = None

    async def file(self) -> AsyncIterator[bytes]:
        """Yield the file's bytes; once it is exhausted the whole form has been read."""
        try:
            async for chunk in self._body:
                self._parser.write(chunk)
                while self._file_data:
                    yield self._file_data.popleft()
            self._parser.finalize()
        except MultipartParseError as error:
            raise MalformedForm(str(error)) from error
        except ClientDisconnect as error:
            raise UploadInterrupted from error
        if not self._ended:
            raise MalformedForm("The last boundary is missing.")
        if self.filename is None:
            raise _invalid({"loc": ("file",), "msg": "Field required", "type": "missing"})

    def fields(self) -> UploadFields:
        """Return the other fields; raises `RequestValidationError`."""
        try:
            texts = {name: value.decode() for name, value in self._texts.items()}
            return UploadFields.model_validate(texts)
        except UnicodeDecodeError as error:
            raise MalformedForm("The fields are not UTF-8.") from error
        except ValidationError as error:
            raise _invalid(*error.errors()) from error

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
        if name == "file":
            if self.filename is not None:
                raise _invalid({"loc": ("file",), "msg": "Send one file", "type": "too_many"})
            self.filename = _file_name(disposition, options)
            self._field = None
        elif name in UploadFields.model_fields and name not in self._texts:
            self._field = name
            self._texts[name] = bytearray()
        elif name == "tags":
            self._field = name
            self._add(b",")
        else:  # at once: a form of a million small parts would be kept until its end
            problem = {"msg": "Unknown or repeated field", "type": "extra_forbidden"}
            raise _invalid({"loc": (name,), **problem})

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._field is None:
            self._file_data.append(data[start:end])
        else:
            self._add(data[start:end])

    def _add(self, text: bytes) -> None:
        self._texts[self._field or ""] += text
        self._limit(sum(map(len, self._texts.values())), _MAX_FIELD_BYTES)

    def _form_ends(self) -> None:
        self._ended = True

    @staticmethod
    def _limit(size: int, most: int) -> None:
        if size > most:
            raise MalformedForm("A field of the form is too long.")


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
