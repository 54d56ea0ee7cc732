"""What the gateway answers itself."""

from typing import Any

from fastapi import APIRouter, Request, Response

from gateway.resources import Services
from gateway.schemas import Alive, Health, Welcome

router = APIRouter(tags=["gateway"])

_NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": Health, "description": "At least one service is not ready"}
}


@router.get("/")
async def welcome(request: Request) -> Welcome:
    """Say what this is, and where to read on."""
    return Welcome(version=request.app.version)


@router.get("/health", responses=_NOT_READY)
async def health(services: Services, response: Response) -> Health:
    """Tell of every service whether it is ready."""
    readiness = await services.readiness()
    response.status_code = readiness.http_status
    return readiness


@router.get("/health/ready", responses=_NOT_READY)
async def ready(services: Services, response: Response) -> Health:
    """Tell whether every request can be served: whether all services are ready."""
    return await health(services, response)


@router.get("/health/live")
async def live() -> Alive:
    """Tell that the gateway itself runs, however its neighbours are."""
    return Alive()
