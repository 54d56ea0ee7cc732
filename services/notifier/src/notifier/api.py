"""The sockets' addresses; `messages` is what goes over them, `authentication` who may open one."""

from fastapi import APIRouter, WebSocket

from notifier.resources import Sockets

router = APIRouter(prefix="/api/v1")


@router.websocket("/ws")
async def own_socket(websocket: WebSocket, sockets: Sockets) -> None:
    """Tell the signed-in user what happens, as it happens."""
    await sockets.serve(websocket)


@router.websocket("/ws/{user_id}")
async def user_socket(websocket: WebSocket, user_id: str, sockets: Sockets) -> None:
    """Do the same for a client that names its user; another one's id is refused."""
    await sockets.serve(websocket, user_id=user_id)
