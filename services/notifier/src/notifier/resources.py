"""What requests need, and how an endpoint asks for it by type."""

from dataclasses import dataclass
from typing import Annotated

from common.security import TokenVerifier
from fastapi import Depends, WebSocket

from notifier.service import SocketService


@dataclass(frozen=True)
class Resources:
    """What the api process holds open."""

    tokens: TokenVerifier
    sockets: SocketService


def _sockets(websocket: WebSocket) -> SocketService:
    resources: Resources = websocket.app.state.resources
    return resources.sockets


Sockets = Annotated[SocketService, Depends(_sockets)]
