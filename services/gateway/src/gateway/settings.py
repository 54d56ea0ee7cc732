"""What the gateway is told from outside: where its neighbours are, and its limits."""

from common.settings import ProcessSettings, RedisSettings, TokenSettings
from pydantic import AnyHttpUrl

from gateway.cors import Origins


class ApiSettings(ProcessSettings, RedisSettings, TokenSettings):
    """What the api process needs, the only one there is."""

    auth_url: AnyHttpUrl
    documents_url: AnyHttpUrl
    notifier_url: AnyHttpUrl

    max_body_bytes: int = 64 << 20
    """The largest request body, with room for a document of 50 MiB and its form around it."""
    max_resumable_bytes: int = 5 << 30
    """The same for one request of a resumable upload, which may be the whole file."""
    max_message_bytes: int = 1 << 20
    """The largest WebSocket message, in either direction."""
    connect_seconds: float = 2.0
    first_byte_seconds: float = 60.0
    """How long a service may make no progress before its answer begins; a stream has no limit."""
    connections_per_service: int = 10_000
    """An event stream over HTTP holds a connection for as long as its client listens."""
    cors_origins: Origins = ()
    """Whose web pages may use the API from a browser, like `https://app.example`."""
    openapi_cache_seconds: float = 15.0
