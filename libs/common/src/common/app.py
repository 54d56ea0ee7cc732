"""The shape of every process, api and worker alike: an ASGI app with health, logs and errors."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, FastAPI

from common import errors, health
from common.background import Background, Run
from common.context import RequestContext
from common.health import Check


@dataclass(frozen=True)
class Running:
    """What a process has once it runs: resources for requests, checks, and tasks."""

    resources: object
    checks: Mapping[str, Check] = field(default_factory=dict)
    tasks: Mapping[str, Run] = field(default_factory=dict)


def build_app(
    service: str,
    start: Callable[[], AbstractAsyncContextManager[Running]],
    *,
    routers: Sequence[APIRouter] = (),
    description: str = "",
) -> FastAPI:
    """Build a process; `start` opens its resources and closes them after the last request.

    The app's `state.on_death` is called when a background task dies: `common.cli` ends the
    process with it.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with start() as running:
            app.state.resources = running.resources
            app.state.checks = running.checks
            app.state.background = Background(running.tasks, on_death=app.state.on_death)
            app.state.background.start()
            try:
                yield
            finally:
                await app.state.background.stop()

    app = FastAPI(
        title=f"Quire {service}",
        description=description,
        version="0.1.0",
        lifespan=lifespan,
        docs_url=None,  # the gateway shows one document for the whole suite
        redoc_url=None,
        separate_input_output_schemas=False,
        telemetry={"tracing": False},  # `RequestContext` makes the span of a request
    )
    app.state.on_death = lambda: None
    errors.install(app)
    app.include_router(health.router)
    for router in routers:
        app.include_router(router)
    app.add_middleware(errors.BugBarrier)
    app.add_middleware(RequestContext)  # added last, so it stands around all the others
    _describe_problems(app)
    return app


def _describe_problems(app: FastAPI) -> None:
    """Describe failures as they are: problem documents, those of FastAPI's own 422 included."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        if "ProblemDocument" not in schemas:
            schemas.update(errors.problem_schemas())
            schemas.pop("HTTPValidationError", None)
            schemas.pop("ValidationError", None)
            for operations in document["paths"].values():
                for operation in operations.values():
                    if "HTTPValidationError" in str(operation["responses"].get("422")):
                        operation["responses"]["422"] = errors.problems(errors.InvalidInput)[422]
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI documents it
