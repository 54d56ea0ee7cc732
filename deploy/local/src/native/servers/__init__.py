"""The servers that the suite stands on, each described in a file of its own."""

from native.credentials import Credentials
from native.daemon import Daemon
from native.profile import Profile
from native.servers.postgres import postgres
from native.servers.rabbitmq import rabbitmq
from native.servers.redis import redis
from native.servers.s3 import s3

SERVERS = ("postgres", "rabbitmq", "redis", "s3")


def servers(profile: Profile, credentials: Credentials) -> list[Daemon]:
    """Describe the four servers of a profile."""
    return [make(profile, credentials) for make in (postgres, rabbitmq, redis, s3)]
