"""What the gateway says of itself and of the services behind it."""

import json
from typing import Any

import pytest
from aiohttp import ClientSession


def said(status: str, **checks: str) -> bytes:
    body = json.dumps({"status": status, "checks": checks}).encode()
    code = b"200 OK" if status == "ok" else b"503 Service Unavailable"
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (code, len(body), body)


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
async def test_health_is_that_of_every_service(
    gateway: Any, raw_service: Any, http: ClientSession, path: str
) -> None:
    async with (
        raw_service(said("ok", database="ok")) as auth,
        raw_service(said("ok")) as documents,
        raw_service(said("ok")) as notifier,
        gateway(auth=auth.url, documents=documents.url, notifier=notifier.url) as url,
    ):
        async with http.get(url + path) as response:
            assert response.status == 200
            assert await response.json() == {
                "status": "ok",
                "services": {
                    "auth": {"status": "ok", "checks": {"database": "ok"}},
                    "documents": {"status": "ok", "checks": {}},
                    "notifier": {"status": "ok", "checks": {}},
                },
            }
        documents.behave(said("failing", storage="failing"))
        notifier.behave(b"nonsense\r\n\r\n")
        async with http.get(url + path) as response:
            assert response.status == 503
            health = await response.json()
        assert health["status"] == "failing"
        assert health["services"]["auth"]["status"] == "ok"
        assert health["services"]["documents"]["checks"] == {"storage": "failing"}
        assert health["services"]["notifier"]["status"] == "unreachable"


async def test_the_gateway_lives_and_is_itself_ready_without_any_service(
    gateway: Any, http: ClientSession
) -> None:
    async with gateway() as url:
        for path in ("/health/live", "/healthz", "/readyz"):
            async with http.get(url + path) as response:
                assert response.status == 200
        async with http.get(url + "/health") as response:
            assert response.status == 503


async def test_the_front_door_says_where_to_go(suite: Any, http: ClientSession) -> None:
    async with http.get(suite.url + "/") as response:
        welcome = await response.json()
    assert welcome["name"] == "Quire"
    assert welcome["version"]
    for link in ("docs", "redoc", "openapi"):
        async with http.get(suite.url + welcome[link]) as response:
            assert response.status == 200


async def test_metrics_name_the_prefix_and_not_the_path(suite: Any, http: ClientSession) -> None:
    async with http.get(suite.url + "/api/v1/documents/secret-id/x") as response:
        assert response.status == 200
    async with http.get(suite.url + "/metrics") as response:
        metrics = await response.text()
    assert 'route="/api/v1/documents"' in metrics
    assert "secret-id" not in metrics
