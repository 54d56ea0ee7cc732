"""What the gateway's own answers look like."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel


class Welcome(BaseModel):
    """What this is, and where to read on."""

    name: str = "Quire"
    version: str
    docs: str = "/docs"
    redoc: str = "/redoc"
    openapi: str = "/openapi.json"
    health: str = "/health"


class ServiceHealth(BaseModel):
    """What a service says about itself, or that it cannot be asked."""

    status: Literal["ok", "failing", "unreachable"]
    checks: dict[str, str] = {}


class Health(BaseModel):
    """The suite's readiness, which is that of every service."""

    status: Literal["ok", "failing"]
    services: dict[str, ServiceHealth]

    @classmethod
    def of(cls, services: Mapping[str, ServiceHealth]) -> Self:
        """Sum up what the services say."""
        ready = all(service.status == "ok" for service in services.values())
        return cls(status="ok" if ready else "failing", services=dict(services))

    @property
    def http_status(self) -> int:
        """The status that a load balancer looks at."""
        return 200 if self.status == "ok" else 503


class Alive(BaseModel):
    """That the gateway's process answers."""

    status: Literal["ok"] = "ok"
