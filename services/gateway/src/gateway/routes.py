"""Which service answers which path: the one place to look, and to change.

Prefixes end on the edge of a path segment and the longest one wins. They are compared with the
path as it was sent, so that an encoded or dotted spelling of a prefix reaches no service.
"""

from dataclasses import dataclass

SERVICES = {
    "auth": (
        "/api/v1/auth",
        "/api/v1/users",
        "/api/v1/admin",
        "/api/v1/.well-known/jwks.json",
        "/.well-known/jwks.json",
    ),
    "documents": (
        "/api/v1/documents",
        "/api/v1/uploads",
        "/api/v1/ocr",
        "/api/v1/pdf",
        "/api/v1/search",
        "/api/v1/categories",
        "/api/v1/suppliers",
        "/api/v1/tags",
    ),
    "notifier": (
        "/api/v1/ws",
        "/api/v1/events",
        "/api/v1/notifications",
        "/api/v1/webhooks",
        "/api/v1/messages",
        "/api/v1/admin/broadcast",
    ),
}

TOKEN = "/api/v1/auth/token"
PUBLIC = frozenset(
    {
        TOKEN,
        "/api/v1/auth/register",
        "/api/v1/auth/login",
        "/api/v1/auth/refresh",
        "/api/v1/auth/email/verify",
        "/api/v1/auth/email/resend",
        "/api/v1/auth/password/reset-request",
        "/api/v1/auth/password/reset",
        "/api/v1/auth/mfa/verify",
        "/api/v1/.well-known/jwks.json",
        "/.well-known/jwks.json",
    }
)
"""Where one signs in, or need not: credentials are neither looked at nor passed on, for a client
that attaches its expired token to everything must still be able to get a new one."""


@dataclass(frozen=True)
class PathPrefix:
    """A part of the public API and the service that answers it."""

    path: str
    service: str

    def covers(self, path: str) -> bool:
        """Tell whether the path is this prefix or lies below it."""
        return path.startswith(self.path) and (
            len(path) == len(self.path) or path[len(self.path)] == "/"
        )


_LARGE = (
    PathPrefix("/api/v1/uploads", "documents"),
    PathPrefix("/api/v1/documents/upload", "documents"),
)

_LONGEST_FIRST = sorted(
    (PathPrefix(path, service) for service, paths in SERVICES.items() for path in paths),
    key=lambda prefix: len(prefix.path),
    reverse=True,
)


def find(path: str) -> PathPrefix | None:
    """Return the prefix that a path, as it was sent, belongs to."""
    return next((prefix for prefix in _LONGEST_FIRST if prefix.covers(path)), None)


def may_be_large(path: str) -> bool:
    """Tell whether a request may carry many files, or a very large one.

    The service has limits of its own for each of those.
    """
    return any(prefix.covers(path) for prefix in _LARGE)
