"""URLs with which a client writes an object straight to the S3 server.

Unlike the `minio` client's own they sign the length too, so that the server refuses a body of any
other: what is announced is what comes (AWS Signature Version 4, in query parameters).
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from common.settings import StorageSettings

_REGION = "us-east-1"  # as `common.s3` has it
_ALGORITHM = "AWS4-HMAC-SHA256"
_SIGNED = "content-length;host"


@dataclass(frozen=True)
class PresignedPut:
    """A request that a client may make, until it expires."""

    url: str
    headers: Mapping[str, str]
    """What must be sent along, exactly so."""


def presign_put(
    settings: StorageSettings, key: str, *, size: int, expires: timedelta
) -> PresignedPut | None:
    """Let a client write `size` bytes under a key; None if clients cannot reach the server."""
    if settings.s3_public_endpoint is None:
        return None
    host = f"{settings.s3_public_endpoint.host}:{settings.s3_public_endpoint.port}"
    path = quote(f"/{settings.s3_bucket}/{key}")
    now = datetime.now(UTC)
    moment, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    scope = (day, _REGION, "s3", "aws4_request")
    query = _query(
        {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": "/".join((settings.s3_access_key, *scope)),
            "X-Amz-Date": moment,
            "X-Amz-Expires": str(int(expires.total_seconds())),
            "X-Amz-SignedHeaders": _SIGNED,
        }
    )
    headers = f"content-length:{size}\nhost:{host}\n"
    request = "\n".join(("PUT", path, query, headers, _SIGNED, "UNSIGNED-PAYLOAD"))
    digest = hashlib.sha256(request.encode()).hexdigest()
    to_sign = "\n".join((_ALGORITHM, moment, "/".join(scope), digest))
    signing_key = f"AWS4{settings.s3_secret_key.get_secret_value()}".encode()
    for step in (*scope, to_sign):
        signing_key = hmac.digest(signing_key, step.encode(), "sha256")
    url = f"{settings.s3_public_endpoint.scheme}://{host}{path}?{query}"
    return PresignedPut(f"{url}&X-Amz-Signature={signing_key.hex()}", {"Content-Length": str(size)})


def _query(values: Mapping[str, str]) -> str:
    """Return the values as they are signed: sorted, and all escaped that RFC 3986 reserves."""
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in sorted(values.items()))
