"""What must be true of every answer and every request of tus, whoever answers in the end."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from documents.tus.errors import VERSION

PATH = "/api/v1/uploads"
_OVERRIDES = frozenset({"HEAD", "PATCH", "DELETE"})


class TusHeaders:
    """ASGI middleware for the paths of tus: reads the method, and names the version.

    The version stands on every answer, also where no route answers. A client behind a proxy that
    lets only POST pass says by `X-HTTP-Method-Override` what it means; a GET may not be made to
    mean more than reading.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or not _is_ours(scope["path"]):
            await self._app(scope, receive, send)
            return

        async def send_with_version(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Tus-Resumable"] = VERSION
            await send(message)

        override = Headers(scope=scope).get("x-http-method-override", "").upper()
        if scope["method"] == "POST" and override in _OVERRIDES:
            scope = {**scope, "method": override}
        await self._app(scope, receive, send_with_version)


def _is_ours(path: str) -> bool:
    return path == PATH or path.startswith(f"{PATH}/")
