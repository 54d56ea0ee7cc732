"""What can be done with a socket: open it, serve it, and close it with a reason."""

from fastapi import WebSocket, WebSocketDisconnect

from notifier.authentication import Authenticated, Authenticator, Credentials
from notifier.errors import SocketRefused
from notifier.hub import Hub
from notifier.sockets import QueueLimits, Socket, close


class SocketService:
    """Serves sockets from the handshake to the last byte."""

    def __init__(self, authenticator: Authenticator, hub: Hub, limits: QueueLimits) -> None:
        self._authenticator = authenticator
        self._hub = hub
        self._limits = limits

    async def serve(self, websocket: WebSocket, *, user_id: str | None = None) -> None:
        """Tell a client what happens to its user, for as long as it wants and may."""
        try:
            owner = await self._open(websocket, user_id)
            socket = Socket(websocket, self._limits)
            self._hub.join(owner.user.id, socket)
            try:
                await socket.run(until=owner.until)
            finally:
                self._hub.leave(owner.user.id, socket)
        except SocketRefused as refusal:
            await close(websocket, refusal)
        except WebSocketDisconnect:
            return

    async def _open(self, websocket: WebSocket, user_id: str | None) -> Authenticated:
        """Shake hands first and refuse later: a browser could not see the reason otherwise."""
        credentials = Credentials.take_from(websocket)
        await websocket.accept()
        return await self._authenticator.authenticate(websocket, credentials, asked_for=user_id)
