"""The bodies of a login: JSON, and the forms of OAuth2 that its clients send."""

from email.message import Message
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from auth.sessions.errors import OAuthError, UnsupportedMediaType
from auth.sessions.schemas import Credentials, PasswordGrant, RefreshGrant

_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"


def _body(contents: dict[str, type[BaseModel]]) -> dict[str, Any]:
    """Say in OpenAPI what the body is, since FastAPI cannot see that there are two kinds."""
    content = {kind: {"schema": model.model_json_schema()} for kind, model in contents.items()}
    return {"requestBody": {"required": True, "content": content}}


LOGIN_BODY = _body({_FORM: PasswordGrant, _JSON: Credentials})
TOKEN_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            _FORM: {
                "schema": {
                    "oneOf": [PasswordGrant.model_json_schema(), RefreshGrant.model_json_schema()]
                }
            }
        },
    }
}


async def read_credentials(request: Request) -> Credentials:
    """Read either body; raises `UnsupportedMediaType`, `RequestValidationError`."""
    try:
        match media_type(request):
            case "application/json":
                return Credentials.model_validate_json(await request.body())
            case "application/x-www-form-urlencoded":
                return PasswordGrant.model_validate(dict(await request.form()))
    except ValidationError as error:
        raise RequestValidationError(
            [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        ) from None  # the cause would carry the password into whatever prints the error
    raise UnsupportedMediaType


async def read_grant(request: Request) -> PasswordGrant | RefreshGrant:
    """Read a token request (RFC 6749); raises `OAuthError`."""
    if media_type(request) != _FORM:
        raise OAuthError("invalid_request", f"Send {_FORM}.")
    sent = await request.form()
    form = {name: value for name, value in sent.items() if value}  # section 3.2: empty is absent
    if len(sent.multi_items()) > len(sent):
        raise OAuthError("invalid_request", "No parameter may come twice.")
    if "grant_type" not in form:
        raise OAuthError("invalid_request", "Missing: grant_type.")
    try:
        match form["grant_type"]:
            # What the standard does not know it says to ignore, contrary to our other bodies.
            case "password":
                return PasswordGrant.model_validate(form, extra="ignore")
            case "refresh_token":
                return RefreshGrant.model_validate(form, extra="ignore")
    except ValidationError as error:
        fields = ", ".join(sorted({str(each["loc"][0]) for each in error.errors() if each["loc"]}))
        raise OAuthError("invalid_request", f"Not valid: {fields}.") from None
    raise OAuthError("unsupported_grant_type", "The grant types are password and refresh_token.")


def media_type(request: Request) -> str:
    """Return the body's media type without its parameters."""
    content_type = Message()
    content_type["content-type"] = request.headers.get("content-type", "")
    return content_type.get_content_type()
