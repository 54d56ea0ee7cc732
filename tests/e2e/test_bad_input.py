"""Whatever is wrong has a name, and a request id to ask about it."""

from typing import Any

import httpx
import pytest
from client import Client

MEBIBYTE = 1 << 20


def assert_problem(response: httpx.Response, status: int, name: str) -> dict[str, Any]:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["type"] == f"urn:quire:problem:{name}"
    assert body["status"] == status
    assert body["title"]
    assert body["instance"]
    assert body["request_id"] == response.headers["x-request-id"]
    return body


@pytest.mark.parametrize(
    ("data", "status", "name"),
    [
        (b"", 400, "empty-file"),
        (b"just text", 415, "unsupported-type"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported-type"),
    ],
)
async def test_a_bad_file(user: Client, data: bytes, status: int, name: str) -> None:
    response = await user.http.post("/documents", files={"file": ("page.pdf", data)})
    assert_problem(response, status, name)


@pytest.mark.parametrize("size", [51 * MEBIBYTE, 70 * MEBIBYTE])
async def test_a_file_that_is_too_large(user: Client, size: int) -> None:
    """The smaller one is refused by the documents service, the larger by the gateway."""
    response = await user.http.post(
        "/documents", files={"file": ("big.pdf", b"%PDF-" + bytes(size))}
    )

    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"
    assert (await user.http.get("/documents")).json()["total"] == 0


@pytest.mark.parametrize("token", [None, "Bearer nonsense", "Bearer a.b.c"])
async def test_a_missing_or_bad_token(url: str, token: str | None) -> None:
    headers = {"Authorization": token} if token else {}
    async with httpx.AsyncClient(base_url=f"{url}/api/v1", headers=headers) as http:
        for path in ("/documents", "/auth/me", "/ocr/jobs/7d0f1f0e-0c7b-4e43-8a3e-0f3f0f3f0f3f"):
            response = await http.get(path)
            assert_problem(response, 401, "unauthorized")
            assert response.headers["www-authenticate"].startswith("Bearer")


async def test_a_path_that_is_not_there(user: Client) -> None:
    assert (await user.http.get("/nowhere")).status_code == 404
    assert_problem(await user.http.get("/documents/not-a-uuid"), 422, "invalid-input")


async def test_a_clients_own_request_id_is_kept(user: Client) -> None:
    response = await user.http.get("/documents", headers={"X-Request-ID": "ticket-4711"})
    assert response.headers["x-request-id"] == "ticket-4711"
