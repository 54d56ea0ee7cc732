"""What a client says about a file in `Upload-Metadata` (tus 1.0.0, Creation)."""

import binascii
import re
from base64 import b64decode

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from documents.tus.errors import MalformedHeader
from documents.uploads.fields import AnnouncedFile, UploadFields, shown_name

_KEY = re.compile(r"[!-+\--~]+")  # ASCII that can be seen, without the comma
_NAMES = ("filename", "name")


def read_metadata(header: str, *, length: int) -> AnnouncedFile:
    """Return what is said about a file of so many bytes; an empty header says nothing.

    Keys that mean nothing to us are passed over, `filetype` among them: what a file is, its bytes
    tell. Raises `MalformedHeader`, and `RequestValidationError` for a bad value.
    """
    said = _pairs(header)
    filename = next((said[name] for name in _NAMES if said.get(name)), b"")
    given = {key: said[key] for key in UploadFields.model_fields if said.get(key)}
    try:
        texts = {key: value.decode() for key, value in given.items()}
    except UnicodeDecodeError as error:
        raise MalformedHeader("The values of Upload-Metadata are not UTF-8.") from error
    try:
        return AnnouncedFile.model_validate(
            {
                **texts,
                "filename": shown_name(filename.decode("utf-8", "replace")),
                "file_size": length,
            }
        )
    except ValidationError as error:
        raise RequestValidationError(
            [{**each, "loc": ("upload-metadata", *each["loc"])} for each in error.errors()]
        ) from error


def _pairs(header: str) -> dict[str, bytes]:
    """Return the values by their keys. A key may stand alone, and none may stand twice."""
    pairs: dict[str, bytes] = {}
    for pair in header.split(",") if header.strip() else ():
        key, _, value = pair.strip(" \t").partition(" ")
        if not _KEY.fullmatch(key):
            raise MalformedHeader("A key of Upload-Metadata is empty or not ASCII.")
        if key in pairs:
            raise MalformedHeader(f"Upload-Metadata has the key {key} twice.")
        try:
            pairs[key] = b64decode(value.encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError) as error:
            raise MalformedHeader(f"The value of {key} in Upload-Metadata is no base64.") from error
    return pairs
