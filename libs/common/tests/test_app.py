"""The shape of a process: errors, ids, health, and how it ends."""

import asyncio
import json
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from common.app import Running, build_app
from common.errors import Problem, Unavailable, problems
from common.testing import eventually, serving
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, ConfigDict


class TeaOnly(Problem):
    """Coffee was asked for."""

    status, slug, title = 418, "tea-only", "Only tea is served"


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    cups: int


def make_app(*, ready: bool = True) -> FastAPI:
    router = APIRouter()

    @router.get("/coffee", responses=problems(TeaOnly))
    async def coffee() -> None:
        raise TeaOnly("Try the green one.")

    @router.post("/orders")
    async def order(order: Order) -> int:
        return order.cups

    @router.get("/bug")
    async def bug() -> None:
        raise RuntimeError("SELECT secret FROM vault")

    async def check() -> None:
        if not ready:
            raise Unavailable

    @asynccontextmanager
    async def start() -> AsyncIterator[Running]:
        yield Running(None, checks={"kettle": check})

    return build_app("kitchen", start, routers=[router])


@pytest.fixture(scope="module")
async def kitchen() -> AsyncIterator[httpx.AsyncClient]:
    async with serving(make_app()) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/coffee", 418, "tea-only"),
        ("GET", "/nowhere", 404, "not-found"),
        ("PUT", "/coffee", 405, "method-not-allowed"),
        ("POST", "/orders", 422, "invalid-input"),
        ("GET", "/bug", 500, "internal-error"),
    ],
)
async def test_every_failure_is_a_problem_document(
    kitchen: httpx.AsyncClient, method: str, path: str, status: int, slug: str
) -> None:
    response = await kitchen.request(method, path, headers={"X-Request-ID": "abc-123"})

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["type"] == f"urn:quire:problem:{slug}"
    assert body["status"] == status
    assert body["instance"] == path
    assert body["request_id"] == response.headers["x-request-id"] == "abc-123"
    assert "secret" not in response.text


async def test_input_errors_say_where_and_never_repeat_the_value(
    kitchen: httpx.AsyncClient,
) -> None:
    response = await kitchen.post("/orders", json={"cups": "hunter2", "sugar/milk": 1})

    errors = {error["pointer"]: error for error in response.json()["errors"]}
    assert errors.keys() == {"/body/cups", "/body/sugar~1milk"}
    assert "hunter2" not in response.text


@pytest.mark.parametrize("sent", ["", "a b", "x" * 129, "ä", "<script>"])
async def test_an_odd_request_id_is_replaced(kitchen: httpx.AsyncClient, sent: str) -> None:
    response = await kitchen.get("/coffee", headers={b"X-Request-ID": sent.encode()})

    assert response.headers["x-request-id"] not in ("", sent)
    assert float(response.headers["x-process-time"]) >= 0


async def test_health_and_metrics(kitchen: httpx.AsyncClient) -> None:
    assert (await kitchen.get("/healthz")).json() == {"status": "ok", "dead_tasks": []}
    assert (await kitchen.get("/readyz")).json() == {"status": "ok", "checks": {"kettle": "ok"}}
    assert 'route="/coffee"' in (await kitchen.get("/metrics")).text


async def test_not_ready_is_not_dead() -> None:
    async with serving(make_app(ready=False)) as url, httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200


async def test_openapi_describes_the_problems(kitchen: httpx.AsyncClient) -> None:
    document = (await kitchen.get("/openapi.json")).json()

    answer = document["paths"]["/coffee"]["get"]["responses"]["418"]
    assert "tea-only" in answer["description"]
    assert "ProblemDocument" in document["components"]["schemas"]
    assert "FieldError" in document["components"]["schemas"]
    refused = document["paths"]["/orders"]["post"]["responses"]["422"]
    assert "application/problem+json" in refused["content"]
    assert "HTTPValidationError" not in str(document)


PROCESS = textwrap.dedent("""
    import asyncio
    from contextlib import asynccontextmanager
    from common import cli
    from common.app import Running, build_app
    from common.cli import Role
    from common.settings import ProcessSettings, RedisSettings

    class Settings(ProcessSettings, RedisSettings):
        pass

    async def work():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            print("finished my work", flush=True)
            raise

    async def die():
        await asyncio.sleep(0.2)
        raise RuntimeError("the consumer is gone")

    def make(*tasks):
        @asynccontextmanager
        async def start():
            yield Running(None, tasks={task.__name__: task for task in tasks})
        return lambda settings: build_app("sample", start)

    cli.main("sample", steady=Role(Settings, make(work)), mortal=Role(Settings, make(work, die)))
""")


async def start_process(tmp_path: Path, role: str, **env: str) -> asyncio.subprocess.Process:
    script = tmp_path / "sample.py"
    script.write_text(PROCESS)
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(script),
        role,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], **env},
    )


async def test_sigterm_lets_work_finish_and_exits_0(tmp_path: Path, unused_tcp_port: int) -> None:
    port = str(unused_tcp_port)
    process = await start_process(
        tmp_path, "steady", QUIRE_PORT=port, QUIRE_REDIS_URL="redis://127.0.0.1"
    )
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

        async def alive() -> bool:
            try:
                return (await client.get("/healthz")).status_code == 200
            except httpx.ConnectError:
                return False

        await eventually(alive)
    process.send_signal(signal.SIGTERM)
    output, _ = await process.communicate()

    assert process.returncode == 0
    assert b"finished my work" in output


async def test_a_dead_task_ends_the_process_with_1(tmp_path: Path, unused_tcp_port: int) -> None:
    process = await start_process(
        tmp_path,
        "mortal",
        QUIRE_PORT=str(unused_tcp_port),
        QUIRE_REDIS_URL="redis://127.0.0.1",
    )
    output, _ = await process.communicate()

    assert process.returncode == 1
    (line,) = [line for line in output.splitlines() if b"background task died" in line]
    entry = json.loads(line)
    assert entry["task"] == "die"
    assert entry["service"] == "sample"
    assert "the consumer is gone" in entry["exception"]


async def test_a_missing_setting_is_named(tmp_path: Path) -> None:
    process = await start_process(tmp_path, "steady", QUIRE_PORT="1")
    _, errors = await process.communicate()

    assert process.returncode == 2
    assert b"setting QUIRE_REDIS_URL" in errors
