"""The same servers from Docker images, where there is an engine but no native RabbitMQ."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient
from testcontainers.core.wait_strategies import ExecWaitStrategy, HttpWaitStrategy

_PASSWORD = secrets.token_hex(24)

Address = Callable[[int], str]
"""Turns a port of the container into the `host:port` where it is reached."""


@dataclass(frozen=True)
class _Image:
    """One server as an image: how to run it, and which fields of `Infrastructure` it fills."""

    name: str
    ports: tuple[int, ...]
    ready: ExecWaitStrategy | HttpWaitStrategy
    fields: Callable[[Address], dict[str, str]]
    env: dict[str, str]
    command: str = ""


_IMAGES = {
    "postgres": _Image(
        name="pgvector/pgvector:pg18",
        ports=(5432,),
        # While it makes its cluster the image listens on a unix socket only.
        ready=ExecWaitStrategy(["pg_isready", "-h", "127.0.0.1"]),
        fields=lambda at: {"postgres_url": f"postgresql://quire:{_PASSWORD}@{at(5432)}/postgres"},
        env={"POSTGRES_USER": "quire", "POSTGRES_PASSWORD": _PASSWORD},
    ),
    "rabbitmq": _Image(
        name="rabbitmq:4-management",
        ports=(5672, 15672),
        ready=ExecWaitStrategy(["rabbitmq-diagnostics", "-q", "check_port_connectivity"]),
        fields=lambda at: {
            "amqp_url": f"amqp://quire:{_PASSWORD}@{at(5672)}/",
            "management_url": f"http://{at(15672)}",
        },
        env={"RABBITMQ_DEFAULT_USER": "quire", "RABBITMQ_DEFAULT_PASS": _PASSWORD},
    ),
    "redis": _Image(
        name="redis:8",
        ports=(6379,),
        ready=ExecWaitStrategy(["redis-cli", "-a", _PASSWORD, "ping"]),
        fields=lambda at: {"redis_url": f"redis://:{_PASSWORD}@{at(6379)}/0"},
        env={},
        command=f"redis-server --requirepass {_PASSWORD}",
    ),
    "s3": _Image(
        name="minio/minio:RELEASE.2025-09-07T16-13-09Z",
        ports=(9000,),
        ready=HttpWaitStrategy(9000, "/minio/health/ready").for_status_code(200),
        fields=lambda at: {
            "s3_endpoint": f"http://{at(9000)}",
            "s3_access_key": "quire",
            "s3_secret_key": _PASSWORD,
        },
        env={"MINIO_ROOT_USER": "quire", "MINIO_ROOT_PASSWORD": _PASSWORD},
        command="server /data",
    ),
}


def engine_answers() -> bool:
    """Tell whether there is a Docker engine."""
    try:
        return bool(DockerClient().client.ping())
    except Exception:  # noqa: BLE001 - whatever it says, there is none that we could use
        return False


@contextmanager
def running(names: list[str]) -> Iterator[dict[str, dict[str, str]]]:
    """Run containers of these servers; yield the fields that each fills."""
    with ExitStack() as stack:
        yield {name: _start(_IMAGES[name], stack) for name in names}


def _start(image: _Image, stack: ExitStack) -> dict[str, str]:
    container = DockerContainer(image.name, env=dict(image.env), ports=list(image.ports))
    if image.command:
        container.with_command(image.command)
    container.waiting_for(image.ready)
    stack.enter_context(container)
    host = container.get_container_host_ip()
    return image.fields(lambda port: f"{host}:{container.get_exposed_port(port)}")
