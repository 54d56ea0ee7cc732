"""One OpenAPI document for the suite, made of the services' own."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from gateway import routes
from gateway.credentials import ACCESS_COOKIE
from gateway.merge import merge, operations
from gateway.neighbours import Neighbours

_BEARER = "HTTPBearer"
_ALSO_ACCEPTED = {
    "Password": {
        "type": "oauth2",
        "description": "Signs in here, for a bearer token.",
        "flows": {"password": {"tokenUrl": routes.TOKEN, "scopes": {}}},
    },
    "ApiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "A key from `POST /auth/api-keys`.",
    },
    "Cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": ACCESS_COOKIE,
        "description": "Set by `POST /auth/login?cookies=true`; what is not a GET, HEAD or OPTIONS "
        "request then needs the header `X-CSRF-Token`, too.",
    },
}
_DESCRIPTION = "Turns uploaded documents into text, page by page, and tells you while it does."


class SuiteDocument:
    """The suite's OpenAPI document, asked for afresh when it is older than a few seconds."""

    def __init__(
        self,
        neighbours: Neighbours,
        own: Callable[[], dict[str, Any]],
        *,
        version: str,
        max_age_seconds: float,
    ) -> None:
        self._neighbours = neighbours
        self._own = own
        self._version = version
        self._max_age = max_age_seconds
        self._document: dict[str, Any] = {}
        self._made_at = float("-inf")
        self._lock = asyncio.Lock()

    async def get(self) -> dict[str, Any]:
        """Return the document; a service that gives none is named in it."""
        async with self._lock:
            if time.monotonic() - self._made_at > self._max_age:
                self._document = await self._make()
                self._made_at = time.monotonic()
            return self._document

    async def _make(self) -> dict[str, Any]:
        documents = await self._neighbours.openapi_documents()
        absent = sorted(service for service, document in documents.items() if not document)
        info = {"title": "Quire", "version": self._version, "description": _DESCRIPTION}
        if absent:
            info["description"] += f"\n\nNot available right now: {', '.join(absent)}."
        parts = {
            service: {**document, "paths": _reachable(service, document["paths"])}
            for service, document in documents.items()
            if document
        }
        merged = with_every_way_in(merge({**parts, "gateway": self._own()}))
        extra = {"x-unavailable": absent} if absent else {}
        return {"openapi": "3.1.0", "info": info, **extra, **merged}


def with_every_way_in(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with the credentials that the gateway turns into the services' one."""
    schemes = document["components"].get("securitySchemes", {})
    if _BEARER not in schemes:
        return document
    also: list[dict[str, list[str]]] = [{name: []} for name in _ALSO_ACCEPTED]
    for operation in operations(document):
        if any(_BEARER in alternative for alternative in operation.get("security", [])):
            operation["security"] = [*operation["security"], *also]
    every = {**document["components"], "securitySchemes": {**schemes, **_ALSO_ACCEPTED}}
    return {**document, "components": every}


def _reachable(service: str, paths: dict[str, Any]) -> dict[str, Any]:
    """Leave out what a service offers to the platform or to its neighbours only."""
    return {
        path: item
        for path, item in paths.items()
        if (prefix := routes.find(path)) is not None and prefix.service == service
    }
