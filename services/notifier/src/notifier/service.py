"""What can be done with a socket: open it, serve it, and close it with a reason."""

from common.security import DeniesTokens
from fastapi import WebSocket, WebSocketDisconnect

from notifier.authentication import Authenticated, Authenticator, Credentials
from notifier.errors import SessionEnded, SocketRefused
from notifier.hub import Hub
from notifier.sockets import QueueLimits, Socket, close


class SocketService:
    """Serves sockets from the handshake to the last byte."""

    def __init__(
        self,
        authenticator: Authenticator,
        hub: Hub,
        limits: QueueLimits,
        *,
        denylist: DeniesTokens,
    ) -> None:
        self._authenticator = authenticator
        self._hub = hub
        self._limits = limits
        self._denylist = denylist

    async def serve(self, websocket: WebSocket, *, user_id: str | None = None) -> None:
        """Tell a client what happens to its user, for as long as it wants and may."""
        try:
            owner = await self._open(websocket, user_id)
            if self._denylist.denies(owner.user):
                # While the ticket was spent; from `join` on the hub hears of it.
                raise SessionEnded
            socket = Socket(websocket, owner.user, self._limits)
            self._hub.join(socket)
            try:
                await socket.run(until=owner.until)
            finally:
                self._hub.leave(socket)
        except SocketRefused as refusal:
            await close(websocket, refusal)
        except WebSocketDisconnect:
            return

    async def _open(self, websocket: WebSocket, user_id: str | None) -> Authenticated:
        """Shake hands first and refuse later: a browser could not see the reason otherwise."""
        credentials = Credentials.take_from(websocket)
        await websocket.accept()
        return await self._authenticator.authenticate(websocket, credentials, asked_for=user_id)
