"""The settings of the notifier service."""

from common.settings import BrokerSettings, ProcessSettings, RedisSettings, TokenSettings


class ApiSettings(ProcessSettings, RedisSettings, TokenSettings):
    """What the api process needs; it never talks to the broker."""

    auth_seconds: float = 10.0
    """How long a socket may stay open before its first message has said who is there."""
    ticket_socket_seconds: float = 900.0
    """How long a socket that a ticket opened lives: a ticket itself is over in seconds."""
    socket_queue_bytes: int = 1 << 20
    socket_queue_seconds: float = 10.0
    """How far behind a slow reader may fall, in bytes and in time, before it is closed."""


class WorkerSettings(ProcessSettings, RedisSettings, BrokerSettings):
    """What the worker process needs."""

    prefetch: int = 50
