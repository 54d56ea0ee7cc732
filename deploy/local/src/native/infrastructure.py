"""Where tests find real servers: named by variables, or run natively, or in containers."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from yarl import URL

from native.errors import StackError
from native.ports import LOOPBACK
from native.servers import SERVERS
from native.servers.rabbitmq import installed
from native.stack import Stack

Found = dict[str, dict[str, str]]
"""For each server that was found, the fields of `Infrastructure` that it fills."""


class NoServers(StackError):
    """There is no way to get the servers that tests need."""


@dataclass(frozen=True)
class Infrastructure:
    """Real servers; each test makes itself a part of them that is its own."""

    postgres_url: str
    """With a superuser's login, of the database `postgres`."""
    amqp_url: str
    management_url: str
    """Of RabbitMQ's management API, without a login: it is the one in `amqp_url`."""
    redis_url: str
    s3_endpoint: str
    s3_access_key: str
    s3_secret_key: str


@contextmanager
def find_infrastructure() -> Iterator[Infrastructure]:
    """Yield the servers that variables name; those that none names are started here."""
    named = servers_from_variables(os.environ)
    missing = [server for server in SERVERS if server not in named]
    if not missing:
        yield _join(named)
    elif "rabbitmq" not in missing or installed():  # the other three come as Python packages
        stack = Stack("test")
        stack.up(names=missing)  # and left running for the next test run
        yield _join(servers_of(stack) | named)
    elif _docker_answers():
        with _containers(missing) as started:
            yield _join(started | named)
    else:
        raise NoServers(
            "Tests need real servers. Run `make setup` (installs RabbitMQ), or start a Docker"
            " engine, or set TEST_POSTGRES_URL, TEST_RABBITMQ_URL, TEST_REDIS_URL, TEST_S3_URL."
        )


def servers_from_variables(variables: Mapping[str, str]) -> Found:
    """Return the servers that `TEST_…_URL` names."""
    found: Found = {}
    if url := variables.get("TEST_POSTGRES_URL"):
        found["postgres"] = {"postgres_url": url}
    if url := variables.get("TEST_RABBITMQ_URL"):
        usual = f"http://{URL(url).host}:15672"
        management = variables.get("TEST_RABBITMQ_MANAGEMENT_URL") or usual
        found["rabbitmq"] = {"amqp_url": url, "management_url": management}
    if url := variables.get("TEST_REDIS_URL"):
        found["redis"] = {"redis_url": url}
    if url := variables.get("TEST_S3_URL"):
        s3 = URL(url)
        found["s3"] = {
            "s3_endpoint": str(s3.origin()),
            "s3_access_key": s3.user or "",
            "s3_secret_key": s3.password or "",
        }
    return found


def servers_of(stack: Stack) -> Found:
    """Return the servers of a native stack."""
    management = f"http://{LOOPBACK}:{stack.profile.port('rabbitmq-management')}"
    return {
        "postgres": {"postgres_url": stack.url("postgres")},
        "rabbitmq": {"amqp_url": stack.url("rabbitmq"), "management_url": management},
        "redis": {"redis_url": stack.url("redis")},
        "s3": {
            "s3_endpoint": stack.url("s3"),
            "s3_access_key": stack.credentials.s3_access_key,
            "s3_secret_key": stack.credentials.s3_secret_key,
        },
    }


def variables_of(stack: Stack) -> dict[str, str]:
    """Return the variables that name the servers of a native stack."""
    infrastructure = _join(servers_of(stack))
    login = (infrastructure.s3_access_key, infrastructure.s3_secret_key)
    return {
        "TEST_POSTGRES_URL": infrastructure.postgres_url,
        "TEST_RABBITMQ_URL": infrastructure.amqp_url,
        "TEST_RABBITMQ_MANAGEMENT_URL": infrastructure.management_url,
        "TEST_REDIS_URL": infrastructure.redis_url,
        "TEST_S3_URL": infrastructure.s3_endpoint.replace("://", "://{}:{}@".format(*login)),
    }


def _join(found: Found) -> Infrastructure:
    fields = {name: value for server in found.values() for name, value in server.items()}
    return Infrastructure(**fields)


def _docker_answers() -> bool:
    try:
        from native import containers  # noqa: PLC0415 - slow, and testcontainers may be absent
    except ImportError:
        return False
    return containers.engine_answers()


@contextmanager
def _containers(names: list[str]) -> Iterator[Found]:
    from native import containers  # noqa: PLC0415 - see above

    with containers.running(names) as found:
        yield found
