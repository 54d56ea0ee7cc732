"""Health, for the platform that runs the process.

`/healthz` (liveness): the process and its background tasks run; never asks a neighbour, because
a restart would not help. `/readyz` (readiness): each resource answered within a second.
`/metrics`: Prometheus.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

Check = Callable[[], Awaitable[object]]

_CHECK_SECONDS = 1.0

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def healthz(request: Request) -> JSONResponse:
    """Tell whether every background task still runs."""
    dead = request.app.state.background.dead
    body = {"status": "failing" if dead else "ok", "dead_tasks": sorted(dead)}
    return JSONResponse(body, status_code=503 if dead else 200)


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """Tell whether everything that requests need can be reached."""
    checks: Mapping[str, Check] = request.app.state.checks
    results = await asyncio.gather(*(_passes(check) for check in checks.values()))
    body = {name: "ok" if fine else "failing" for name, fine in zip(checks, results, strict=True)}
    ready = all(results)
    return JSONResponse(
        {"status": "ok" if ready else "failing", "checks": body}, status_code=200 if ready else 503
    )


@router.get("/metrics")
async def metrics() -> Response:
    """Return the metrics of this process."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _passes(check: Check) -> bool:
    try:
        await asyncio.wait_for(check(), _CHECK_SECONDS)
    except Exception:  # noqa: BLE001 - whatever it was, the resource is not usable
        return False
    return True
