"""One OpenAPI document for the suite, made of the services' own."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from gateway.merge import merge
from gateway.neighbours import Neighbours
from gateway.routes import find

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
        merged = merge({**parts, "gateway": self._own()})
        extra = {"x-unavailable": absent} if absent else {}
        return {"openapi": "3.1.0", "info": info, **extra, **merged}


def _reachable(service: str, paths: dict[str, Any]) -> dict[str, Any]:
    """Leave out what a service offers to the platform or to its neighbours only."""
    return {
        path: item
        for path, item in paths.items()
        if (prefix := find(path)) is not None and prefix.service == service
    }
