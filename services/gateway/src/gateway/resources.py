"""What requests are answered with, and how an endpoint asks for it by type."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from gateway.neighbours import Neighbours
from gateway.openapi import SuiteDocument
from gateway.proxy import HttpProxy
from gateway.websocket_proxy import WebSocketProxy


@dataclass(frozen=True)
class Resources:
    """What the process holds open."""

    http: HttpProxy
    sockets: WebSocketProxy
    neighbours: Neighbours
    document: SuiteDocument


def _neighbours(request: Request) -> Neighbours:
    resources: Resources = request.app.state.resources
    return resources.neighbours


Services = Annotated[Neighbours, Depends(_neighbours)]
