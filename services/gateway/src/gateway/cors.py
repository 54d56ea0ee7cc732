"""Which web pages of other origins may use the API from a browser (the Fetch standard's CORS)."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, AnyHttpUrl, BeforeValidator, TypeAdapter
from pydantic_settings import NoDecode
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_SHOWN = (
    *("ETag", "Location", "Retry-After", "X-Request-ID", "X-Process-Time", "Content-Disposition"),
    *("Accept-Ranges", "Content-Range", "Idempotency-Replayed"),
    *("X-Document-ID", "X-Duplicate-ID"),
    # tus: https://tus.io/protocols/resumable-upload
    *("Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm"),
    *("Upload-Offset", "Upload-Length", "Upload-Expires", "Upload-Metadata"),
)
"""What a script may read of an answer's head, besides what it always may."""


def _split(origins: object) -> object:
    return origins.replace(",", " ").split() if isinstance(origins, str) else origins


def _origin(text: str) -> str:
    """Return an origin as browsers write it: scheme, host, and the port if it is another's."""
    url = TypeAdapter(AnyHttpUrl).validate_python(text)
    if url.path not in (None, "/") or url.query or url.fragment or url.username:
        raise ValueError("an origin is a scheme, a host and a port, like https://app.example:8443")
    return str(url).rstrip("/")


Origins = Annotated[
    tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_split)
]
"""Separated by commas or spaces. There is no `*`: cookies would then be anybody's to use."""


def cors(origins: Sequence[str]) -> Middleware:
    """Return what answers preflights, and tells browsers to hand our answers over."""
    return Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=_METHODS,
        allow_headers=["*"],  # what is sent is judged where it is used
        allow_credentials=True,
        expose_headers=_SHOWN,
        max_age=3600,
    )
