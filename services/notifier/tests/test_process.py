"""The processes as the platform runs them: limits, health, and how they end."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from common.testing import TokenIssuer, eventually
from notifier.app import create_api

Run = Callable[..., AbstractAsyncContextManager[tuple[asyncio.subprocess.Process, str]]]


@pytest.fixture
def run(unused_tcp_port: int) -> Run:
    """Run `python -m notifier` until it is healthy."""
    url = f"http://127.0.0.1:{unused_tcp_port}"

    @asynccontextmanager
    async def run(role: str, **env: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "notifier",
            role,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "QUIRE_PORT": str(unused_tcp_port), **env},
        )
        try:
            await eventually(lambda: healthy(url))
            yield process, url
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    return run


async def healthy(url: str) -> bool:
    async with httpx.AsyncClient() as http:
        try:
            return (await http.get(f"{url}/healthz")).status_code == 200
        except httpx.ConnectError:
            return False


async def test_the_api_refuses_huge_messages_and_says_goodbye(
    run: Run, redis_url: str, issuer: TokenIssuer, listen: Any, user_id: UUID
) -> None:
    env = {"QUIRE_REDIS_URL": redis_url, "QUIRE_JWKS_URL": issuer.jwks_url}
    async with (
        run("api", **env) as (process, url),
        listen(user_id, url=url) as large,
        listen(user_id, url=url) as other,
    ):
        await large.established()
        await other.established()
        await large.connection.send(b'{"type":"ping"}'.ljust(64 << 10).decode())
        assert (await large.next())["type"] == "pong"
        await large.connection.send("x" * ((64 << 10) + 1))
        assert await large.close_code() == 1009
        await other.hears_nothing()

        process.send_signal(signal.SIGTERM)
        assert await other.close_code() == 1012
        output, errors = await process.communicate()

    assert process.returncode == 0, errors.decode()
    assert b"Traceback" not in output + errors
    assert all(json.loads(line)["service"] == "notifier" for line in output.splitlines())


async def test_the_worker_exits_0(run: Run, worker_env: dict[str, str]) -> None:
    async with run("worker", **worker_env) as (process, _):
        process.send_signal(signal.SIGTERM)
        _, errors = await process.communicate()

    assert process.returncode == 0, errors.decode()


async def test_the_api_describes_itself_and_is_ready(api_settings: Any, api_url: str) -> None:
    async with httpx.AsyncClient(base_url=api_url) as http:
        assert (await http.get("/readyz")).json()["checks"] == {"redis": "ok"}
        assert (await http.get("/openapi.json")).json()["info"]["title"] == "Quire notifier"
    assert create_api(api_settings()).openapi()["openapi"]
