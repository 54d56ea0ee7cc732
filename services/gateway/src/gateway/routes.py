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


_LONGEST_FIRST = sorted(
    (PathPrefix(path, service) for service, paths in SERVICES.items() for path in paths),
    key=lambda prefix: len(prefix.path),
    reverse=True,
)


def find(path: str) -> PathPrefix | None:
    """Return the prefix that a path, as it was sent, belongs to."""
    return next((prefix for prefix in _LONGEST_FIRST if prefix.covers(path)), None)
