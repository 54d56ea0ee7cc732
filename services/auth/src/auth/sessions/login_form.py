"""The two bodies of a login: JSON, and the form of OAuth2 that its clients send."""

from email.message import Message
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from auth.errors import UnsupportedMediaType
from auth.schemas import Credentials, PasswordGrant

_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"

LOGIN_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            _FORM: {"schema": PasswordGrant.model_json_schema()},
            _JSON: {"schema": Credentials.model_json_schema()},
        },
    }
}
"""What OpenAPI says about the body, since FastAPI cannot see that there are two kinds."""


async def read_credentials(request: Request) -> Credentials:
    """Read either body; raises `UnsupportedMediaType`, `RequestValidationError`."""
    content_type = Message()
    content_type["content-type"] = request.headers.get("content-type", "")
    try:
        match content_type.get_content_type():
            case "application/json":
                return Credentials.model_validate_json(await request.body())
            case "application/x-www-form-urlencoded":
                return PasswordGrant.model_validate(dict(await request.form()))
    except ValidationError as error:
        raise RequestValidationError(
            [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        ) from None  # the cause would carry the password into whatever prints the error
    raise UnsupportedMediaType
