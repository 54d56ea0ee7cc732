"""A multipart form whose file is streamed on while it arrives (RFC 7578).

FastAPI's own `UploadFile` first writes the whole body to a temporary file; here no byte of a
file touches the disk of this process.
"""

from collections import deque
from collections.abc import AsyncIterator
from email.message import Message

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from python_multipart import MultipartParser
from python_multipart.exceptions import MultipartParseError
from starlette.requests import ClientDisconnect

from documents.errors import FormExpected, MalformedForm, UploadInterrupted

_MAX_FIELD_BYTES = 64 << 10
_MAX_HEADER_BYTES = 8 << 10


class UploadFields(BaseModel):
    """What may be said about a file besides its bytes."""

    model_config = ConfigDict(extra="forbid")

    title: str | None = Field(default=None, min_length=1, max_length=500)
    description: str = Field(default="", max_length=10_000)
    language: str | None = Field(
        default=None,
        pattern=r"^[a-z]{2,3}(\+[a-z]{2,3})*$",
        description="ISO 639 codes, joined by `+`: `en`, `de+fr`.",
        examples=["de"],
    )


class UploadForm:
    """One form with one `file`; the other fields may stand before or after it."""

    def __init__(self, request: Request) -> None:
        content_type = Message()
        content_type["content-type"] = request.headers.get("content-type", "")
        boundary = content_type.get_param("boundary")
        is_form = content_type.get_content_type() == "multipart/form-data"
        if not is_form or not isinstance(boundary, str):
            raise FormExpected
        self._body = request.stream()
        self._parser = MultipartParser(
            boundary,
            callbacks={
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
        disposition = Message()
        raw = self._headers.get(b"content-disposition", b"")
        disposition["content-disposition"] = raw.decode("utf-8", "replace")
        name = disposition.get_param("name", header="content-disposition")
        if not isinstance(name, str):
            raise MalformedForm("A part has no name.")
        if name == "file":
            if self.filename is not None:
                raise _invalid({"loc": ("file",), "msg": "Send one file", "type": "too_many"})
            self.filename = disposition.get_filename() or "document"
            self._field = None
        else:
            self._field = name
            self._texts[name] = bytearray()

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._field is None:
            self._file_data.append(data[start:end])
            return
        text = self._texts[self._field]
        text += data[start:end]
        self._limit(sum(map(len, self._texts.values())), _MAX_FIELD_BYTES)

    def _form_ends(self) -> None:
        self._ended = True

    @staticmethod
    def _limit(size: int, most: int) -> None:
        if size > most:
            raise MalformedForm("A field of the form is too long.")


def _invalid(*errors: object) -> RequestValidationError:
    return RequestValidationError(
        [{**error, "loc": ("body", *error["loc"])} for error in errors if isinstance(error, dict)]
    )
