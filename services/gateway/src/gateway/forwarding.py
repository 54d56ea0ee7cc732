"""The routes that lead out of the gateway, as one entry of the app's router."""

from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from gateway import routes
from gateway.errors import RouteNotFound
from gateway.resources import Resources


class ForwardingRoute(BaseRoute):
    """Everything that a service answers; it is asked first, being nearly all of the traffic."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Take what belongs to a service, and every WebSocket: the gateway has none itself."""
        if scope["type"] not in ("http", "websocket"):
            return Match.NONE, {}
        prefix = routes.find(scope["raw_path"].decode("ascii"))
        if prefix is None and scope["type"] == "http":
            return Match.NONE, {}
        return Match.FULL, {"route": prefix}  # its path is the label of the metrics

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        prefix: routes.PathPrefix | None = scope["route"]
        if prefix is None:
            raise RouteNotFound
        resources: Resources = scope["app"].state.resources
        proxy = resources.http if scope["type"] == "http" else resources.sockets
        await proxy.forward(prefix.service, scope, receive, send)
