"""How long a request body is, refused when it can be read in two ways (RFC 9112, section 6.3)."""

from starlette.types import Scope

from gateway.errors import AmbiguousRequest


def body_length(scope: Scope) -> int | None:
    """Return the length that the head announces, 0 without a body, None when it is chunked."""
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    codings = [value for name, value in scope["headers"] if name == b"transfer-encoding"]
    if codings:
        if lengths or codings != [b"chunked"]:
            raise AmbiguousRequest("Transfer-Encoding may be `chunked` only, and stand alone.")
        return None
    if not lengths:
        return 0
    if len(lengths) > 1 or not lengths[0].isdigit():
        raise AmbiguousRequest("Content-Length is one decimal number.")
    return int(lengths[0])
