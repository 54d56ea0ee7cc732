"""`require`: who may not is told what it takes, and who may is let through."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import uuid4

import aiohttp
import httpx
import pytest
from common.app import Running, build_app
from common.errors import Forbidden, problems
from common.keys import published_at
from common.security import CurrentUser, TokenVerifier, User, require
from common.testing import TokenIssuer, serving
from contracts import OWN, Permission
from fastapi import APIRouter, Depends, FastAPI

USER = uuid4()
Reader = Annotated[User, Depends(require(Permission.DOCUMENTS_READ))]


class Resources:
    def __init__(self, tokens: TokenVerifier) -> None:
        self.tokens = tokens


def make_app(issuer: TokenIssuer) -> FastAPI:
    router = APIRouter(responses=problems(Forbidden))

    @router.get("/shelf/{number}")
    async def shelf(number: int, user: Reader) -> str:
        return f"{user.id} reads {number}"

    @router.get("/door")
    async def door(user: CurrentUser) -> list[str]:
        return sorted(user.permissions)

    @asynccontextmanager
    async def start() -> AsyncIterator[Running]:
        async with aiohttp.ClientSession() as http:
            keys = published_at(http, issuer.jwks_url)
            yield Running(Resources(TokenVerifier(keys, issuer="quire-auth", audience="quire")))

    return build_app("library", start, routers=[router])


@pytest.fixture(scope="module")
async def library(issuer: TokenIssuer) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(make_app(issuer)) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


def may(issuer: TokenIssuer, *permissions: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {issuer.token(USER, permissions=list(permissions))}"}


@pytest.mark.parametrize(
    "permissions",
    [(), ("documents:write",), ("documents",), ("documents:*",), ("DOCUMENTS:READ",), ("*",)],
    ids=str,
)
async def test_who_may_not_is_told_what_it_takes(
    library: httpx.AsyncClient, issuer: TokenIssuer, permissions: tuple[str, ...]
) -> None:
    response = await library.get("/shelf/1", headers=may(issuer, *permissions))

    assert response.status_code == 403
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["www-authenticate"] == (
        'Bearer error="insufficient_scope", scope="documents:read"'
    )
    assert response.json()["type"] == "urn:quire:problem:insufficient-permission"
    assert "documents:read" in response.json()["detail"]


async def test_who_may_is_let_through(library: httpx.AsyncClient, issuer: TokenIssuer) -> None:
    response = await library.get("/shelf/1", headers=may(issuer, "x:y", "documents:read"))

    assert (response.status_code, response.json()) == (200, f"{USER} reads 1")


async def test_who_may_not_is_not_told_what_else_is_wrong(
    library: httpx.AsyncClient, issuer: TokenIssuer
) -> None:
    assert (await library.get("/shelf/x", headers=may(issuer))).status_code == 403
    assert (await library.get("/shelf/x", headers=may(issuer, "documents:read"))).status_code == 422


async def test_who_nobody_knows_is_asked_for_a_token(library: httpx.AsyncClient) -> None:
    response = await library.get("/shelf/1")

    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")


async def test_without_a_permission_one_is_somebody_all_the_same(
    library: httpx.AsyncClient, issuer: TokenIssuer
) -> None:
    assert (await library.get("/door", headers=may(issuer))).json() == []
    everything = (await library.get("/door", headers=issuer.headers(USER))).json()
    assert everything == sorted(OWN)


async def test_openapi_tells(library: httpx.AsyncClient) -> None:
    document = (await library.get("/openapi.json")).json()

    answer = document["paths"]["/shelf/{number}"]["get"]["responses"]["403"]
    assert "insufficient-permission" in answer["description"]
