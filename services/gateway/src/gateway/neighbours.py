"""Asking the services about themselves: whether they are ready, and what they offer."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout
from pydantic import ValidationError

from gateway.schemas import Health, ServiceHealth

# A service gives each of its own checks one second.
_TIMEOUT = ClientTimeout(total=3.0, sock_connect=1.0)


class Neighbours:
    """The services behind the gateway, as seen by the gateway itself."""

    def __init__(self, session: ClientSession, origins: Mapping[str, str]) -> None:
        self._session = session
        self._origins = origins

    async def readiness(self) -> Health:
        """Return what each service says about its readiness."""
        answers = await self._ask_all("/readyz")
        return Health.of({service: _health(answer) for service, answer in answers.items()})

    async def openapi_documents(self) -> dict[str, dict[str, Any]]:
        """Return the OpenAPI document of each service, empty for one that has none to give."""
        answers = await self._ask_all("/openapi.json")
        return {service: answer if "paths" in answer else {} for service, answer in answers.items()}

    async def _ask_all(self, path: str) -> dict[str, dict[str, Any]]:
        answers = await asyncio.gather(*(self._ask(o + path) for o in self._origins.values()))
        return dict(zip(self._origins, answers, strict=True))

    async def _ask(self, url: str) -> dict[str, Any]:
        try:
            async with self._session.get(url, timeout=_TIMEOUT, allow_redirects=False) as response:
                answer = json.loads(await response.read())
        except (ClientError, TimeoutError, ValueError):
            return {}
        return answer if isinstance(answer, dict) else {}


def _health(answer: dict[str, Any]) -> ServiceHealth:
    try:
        return ServiceHealth.model_validate(answer)
    except ValidationError:
        return ServiceHealth(status="unreachable")
