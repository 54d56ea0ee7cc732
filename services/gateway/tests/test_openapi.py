"""One document for the suite, in which every reference leads somewhere."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from aiohttp import ClientSession
from common.app import Running, build_app
from common.errors import Unavailable, problems
from common.testing import serving
from fastapi import APIRouter, Depends
from fastapi.security import APIKeyHeader, OAuth2PasswordBearer
from gateway.merge import merge
from gateway.openapi import with_every_way_in
from pydantic import BaseModel, create_model


def document(schemas: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"paths": {}, "components": {"schemas": schemas}, **more}


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def test_the_same_schema_stays_one() -> None:
    page = {"type": "object", "properties": {"next": ref("Page")}}
    merged = merge({"auth": document({"Page": page}), "documents": document({"Page": page})})
    assert merged["components"]["schemas"] == {"Page": page}


def test_different_schemas_of_one_name_are_told_apart_with_their_references() -> None:
    merged = merge(
        {
            "auth": document(
                {"User": {"type": "object"}, "Users": {"type": "array", "items": ref("User")}}
            ),
            "documents": document(
                {"User": {"type": "string"}, "DocumentsUser": {"type": "null"}},
                paths={"/d": {"get": {"responses": {"200": {"x": [ref("User")]}}}}},
            ),
        }
    )
    assert merged["components"]["schemas"] == {
        "AuthUser": {"type": "object"},
        "Users": {"type": "array", "items": ref("AuthUser")},
        "DocumentsUser_": {"type": "string"},
        "DocumentsUser": {"type": "null"},
    }
    assert merged["paths"]["/d"]["get"]["responses"]["200"]["x"] == [ref("DocumentsUser_")]


def test_schemas_that_read_alike_but_refer_to_different_ones_are_different() -> None:
    box = {"properties": {"item": ref("Item")}}
    boxes = {"properties": {"boxes": ref("Box")}}
    auth = {"Item": {"type": "string"}, "Box": box, "Boxes": boxes}
    documents = {"Item": {"type": "number"}, "Box": box, "Boxes": boxes}
    merged = merge({"auth": document(auth), "documents": document(documents)})
    schemas = merged["components"]["schemas"]
    assert len(schemas) == 6
    assert schemas["AuthBoxes"]["properties"]["boxes"] == ref("AuthBox")
    assert schemas["DocumentsBox"]["properties"]["item"] == ref("DocumentsItem")


def test_security_schemes_and_operation_ids_follow() -> None:
    def part(url: str) -> dict[str, Any]:
        return {
            "paths": {f"/{url}": {"get": {"operationId": "get", "security": [{"oauth": ["a"]}]}}},
            "components": {"securitySchemes": {"oauth": {"url": url}, "key": {"type": "apiKey"}}},
            "tags": [{"name": "same"}, {"name": url}],
            "security": [{"key": []}],
        }

    merged = merge({"auth": part("a"), "documents": part("b")})
    assert merged["components"]["securitySchemes"] == {
        "Authoauth": {"url": "a"},
        "Documentsoauth": {"url": "b"},
        "key": {"type": "apiKey"},
    }
    assert merged["paths"]["/b"]["get"]["security"] == [{"Documentsoauth": ["a"]}]
    assert merged["paths"]["/a"]["get"]["operationId"] == "auth_get"
    assert [tag["name"] for tag in merged["tags"]] == ["same", "a", "b"]


def test_every_way_to_sign_in_is_told_of() -> None:
    suite = with_every_way_in(
        {
            "paths": {
                "/me": {
                    "get": {"security": [{"HTTPBearer": []}]},
                    "put": {"security": [{"x": []}]},
                },
                "/login": {"post": {}},
            },
            "components": {"securitySchemes": {"HTTPBearer": {"type": "http"}, "x": {}}},
        }
    )
    ways = ["HTTPBearer", "Password", "ApiKey", "Cookie"]
    assert suite["paths"]["/me"]["get"]["security"] == [{way: []} for way in ways]
    assert suite["paths"]["/me"]["put"]["security"] == [{"x": []}]
    assert "security" not in suite["paths"]["/login"]["post"]
    schemes = suite["components"]["securitySchemes"]
    assert schemes.keys() == {*ways, "x"}
    assert (schemes["ApiKey"]["in"], schemes["ApiKey"]["name"]) == ("header", "X-API-Key")
    assert (schemes["Cookie"]["in"], schemes["Cookie"]["name"]) == ("cookie", "__Host-quire_access")
    assert schemes["Password"]["flows"]["password"]["tokenUrl"] == "/api/v1/auth/token"


def test_inputs_are_not_changed() -> None:
    parts = {"auth": document({"A": {"x": 1}}), "documents": document({"A": {"x": 2}})}
    before = json.dumps(parts)
    merge(parts)
    assert json.dumps(parts) == before


@asynccontextmanager
async def started() -> AsyncIterator[Running]:
    yield Running(None)


class Page(BaseModel):
    """A name that both services use, each for something else."""

    items: list[int]


def auth_router() -> APIRouter:
    router = APIRouter(tags=["users"])
    token = OAuth2PasswordBearer("/api/v1/auth/token")

    @router.get("/api/v1/users", responses=problems(Unavailable))
    async def list_all(_: Annotated[str, Depends(token)]) -> Page:
        return Page(items=[])

    @router.get("/internal")
    async def internal() -> Page:
        return Page(items=[])

    return router


def documents_router() -> APIRouter:
    page = create_model("Page", items=(list[str], ...))
    router = APIRouter(tags=["documents"])
    key = APIKeyHeader(name="X-API-Key")

    @router.get("/api/v1/documents", responses=problems(Unavailable), response_model=page)
    async def list_all(_: Annotated[str, Depends(key)]) -> None: ...

    return router


async def test_the_suite_has_one_document(gateway: Any, http: ClientSession) -> None:
    async with (
        serving(build_app("auth", started, routers=[auth_router()])) as auth,
        serving(build_app("documents", started, routers=[documents_router()])) as documents,
        gateway(auth=auth, documents=documents) as url,
        http.get(url + "/openapi.json") as response,
    ):
        suite = await response.json()
    assert suite["openapi"].startswith("3.1.")
    assert suite["x-unavailable"] == ["notifier"]
    assert "notifier" in suite["info"]["description"]
    assert {"/", "/health", "/api/v1/users", "/api/v1/documents"} <= suite["paths"].keys()
    assert suite["paths"].keys().isdisjoint({"/internal", "/healthz", "/metrics"})
    components = suite["components"]
    assert {"AuthPage", "DocumentsPage", "ProblemDocument"} <= components["schemas"].keys()
    assert "Page" not in components["schemas"]
    assert components["securitySchemes"].keys() == {"OAuth2PasswordBearer", "APIKeyHeader"}
    for section, name in re.findall(r'"#/components/(\w+)/([^"]+)"', json.dumps(suite)):
        assert name in components[section]


async def test_a_broken_document_is_as_good_as_none(
    gateway: Any, raw_service: Any, http: ClientSession
) -> None:
    async with (
        raw_service(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]") as auth,
        raw_service(b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\n{}") as documents,
        raw_service(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{") as notifier,
        gateway(auth=auth.url, documents=documents.url, notifier=notifier.url) as url,
    ):
        notifier.behave(b"SSH-2.0\r\n\r\n")
        async with http.get(url + "/openapi.json") as response:
            suite = await response.json()
        assert suite["x-unavailable"] == ["auth", "documents", "notifier"]
        async with http.get(url + "/openapi.json") as response:
            assert await response.json() == suite
        assert len(auth.heads) == 1  # the second time it was remembered


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
async def test_the_pages_load_from_here_only(suite: Any, http: ClientSession, page: str) -> None:
    async with http.get(suite.url + page) as response:
        assert response.status == 200
        html = await response.text()
    loaded = set(re.findall(r'(?:src|href)="([^"]+)"', html))
    assert loaded
    assert not [address for address in loaded if not address.startswith("/docs/assets/")]
    assert "/openapi.json" in html
    assert not re.search(r"https?://", re.sub(r'<a href="[^"]*"', "", html))
    for address in loaded:
        async with http.get(suite.url + address) as response:
            assert response.status == 200
            assert len(await response.read()) > 500
