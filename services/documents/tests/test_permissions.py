"""Nothing is answered without a valid token, and nothing without the permission."""

import asyncio
import re
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from common.testing import TokenIssuer
from documents.app import ROUTERS
from fastapi.routing import APIRoute

Slug = Callable[[httpx.Response], str]

ROUTES = [
    (method, route.path.removeprefix("/api/v1"))
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in (route.methods or set()) - {"HEAD", "OPTIONS"}  # no body to look at; for all
]
SENDING = {("GET", "/documents/upload/chunked/{upload_id}")}  # who sends asks what is missing
RUNNING = {
    (method, path)
    for method, path in ROUTES
    if method == "POST" and path.startswith(("/ocr/", "/pdf/"))
}
WRITING = {(method, path) for method, path in ROUTES if method != "GET"} - RUNNING | SENDING


TUS = {"Tus-Resumable": "1.0.0"}
"""Without it, resumable uploads are not even looked at."""


def filled(path: str, identity: object) -> str:
    return re.sub(r"\{\w+\}", str(identity), path)


def may(issuer: TokenIssuer, *permissions: str) -> dict[str, str]:
    return TUS | {"Authorization": f"Bearer {issuer.token(uuid4(), permissions=list(permissions))}"}


@pytest.mark.parametrize("authorization", [None, "Bearer nonsense", "Basic dTpw"])
@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_without_a_valid_token_nothing_is_answered(
    api_url: str, slug: Slug, method: str, path: str, authorization: str | None
) -> None:
    headers = TUS | ({"Authorization": authorization} if authorization else {})
    async with httpx.AsyncClient(base_url=api_url, headers=headers) as client:
        response = await client.request(method, filled(path, uuid4()))

    assert (response.status_code, slug(response)) == (401, "unauthorized")
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_every_route_is_tried_and_some_of_them_write() -> None:
    assert len(ROUTES) > len(WRITING)
    assert {("POST", "/documents"), ("DELETE", "/documents/{document_id}")} <= WRITING


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_without_the_permission_nothing_is_answered(
    api_url: str, issuer: TokenIssuer, slug: Slug, method: str, path: str
) -> None:
    """Whether there is such a document is not told either: the answer is the same for any id."""
    permissions = {"documents:read", "documents:write", "ocr:run"}
    needed = "documents:read"
    if (method, path) in WRITING:
        needed = "documents:write"
    elif (method, path) in RUNNING:
        needed = "ocr:run"
    others = permissions - {needed}
    async with httpx.AsyncClient(base_url=api_url) as client:
        for identity in (str(uuid4()), "no-id"):
            url = filled(path, identity)
            headers = may(issuer, *others)
            response = await client.request(method, url, headers=headers, content=b"x")

            assert (response.status_code, slug(response)) == (403, "insufficient-permission")
            assert response.headers["www-authenticate"].endswith(f'scope="{needed}"')


async def test_whoever_may_read_need_not_be_allowed_to_write(
    api_url: str, issuer: TokenIssuer
) -> None:
    async with httpx.AsyncClient(base_url=api_url, headers=may(issuer, "documents:read")) as client:
        assert (await client.get("/documents")).status_code == 200
        assert (await client.get(f"/documents/{uuid4()}")).status_code == 404
    async with httpx.AsyncClient(
        base_url=api_url, headers=may(issuer, "documents:write")
    ) as client:
        files = {"file": ("scan.pdf", b"%PDF-1.7" + uuid4().bytes)}
        assert (await client.post("/documents", files=files)).status_code == 201


async def test_whoever_may_not_write_is_told_before_the_bytes_are_read(
    api_url: str, issuer: TokenIssuer
) -> None:
    """Not one byte of the body is sent here."""
    url = httpx.URL(api_url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = [
        "POST /api/v1/documents HTTP/1.1",
        f"Host: {url.host}",
        f"Authorization: {may(issuer, 'documents:read')['Authorization']}",
        "Content-Type: multipart/form-data; boundary=x",
        "Content-Length: 1000",
    ]
    writer.write("\r\n".join([*head, "", ""]).encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()

    assert answer.startswith(b"HTTP/1.1 403 ")


async def test_openapi_tells_of_it(api_url: str) -> None:
    async with httpx.AsyncClient() as client:
        document = (await client.get(api_url.replace("/api/v1", "/openapi.json"))).json()

    for path, operations in document["paths"].items():
        if path.startswith("/api/"):
            for operation in operations.values():
                assert "insufficient-permission" in operation["responses"]["403"]["description"]
