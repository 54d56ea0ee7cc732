"""An API key becomes a token at auth, which hears of each key once in a while."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientSession
from common.denylist import Denial, announce
from common.testing import TokenIssuer, eventually, serving
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from gateway import api_keys
from redis.asyncio import Redis

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
KEY = "quire_live_0123456789"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


@dataclass
class KeyOffice:
    """What auth does with keys: it knows one, as long as it is not revoked."""

    issuer: TokenIssuer
    user_id: UUID = field(default_factory=uuid4)
    session_id: UUID = field(default_factory=uuid4)
    version: int = 1
    status: int = 200
    expires_in: float = 60
    exchanges: list[Request] = field(default_factory=list)
    held: asyncio.Lock = field(default_factory=asyncio.Lock)

    def app(self) -> FastAPI:
        app = FastAPI()
        app.post("/internal/token")(self.exchange)
        return app

    async def exchange(self, request: Request) -> JSONResponse:
        self.exchanges.append(request)
        async with self.held:
            return await self.answer(request)

    async def answer(self, request: Request) -> JSONResponse:
        if self.status != 200:
            return JSONResponse({}, self.status)
        if (await request.json()) != {"api_key": KEY}:
            return JSONResponse({"status": 401}, 401)
        token = self.issuer.token(
            self.user_id, sid=str(self.session_id), ver=self.version, api_key=True
        )
        return JSONResponse({"access_token": token, "expires_in": self.expires_in})


@dataclass
class Edge:
    """A gateway, auth behind it, and a service."""

    url: str
    auth: KeyOffice
    documents: Any
    http: ClientSession

    async def get(self, key: str = KEY, **headers: str) -> tuple[int, str]:
        """Ask for something with a key; return the status, and the problem if there is one."""
        async with self.http.get(
            self.url + "/api/v1/documents", headers={"X-API-Key": key, **headers}
        ) as response:
            if response.status == 200:
                return 200, ""
            assert response.content_type == "application/problem+json"
            assert (response.status == 401) == ("WWW-Authenticate" in response.headers)
            return response.status, (await response.json())["type"].rpartition(":")[2]


@pytest.fixture
async def edge(
    gateway: Any, raw_service: Any, http: ClientSession, issuer: TokenIssuer
) -> AsyncIterator[Edge]:
    async with opened(gateway, raw_service, http, issuer) as edge:
        yield edge


@asynccontextmanager
async def opened(
    gateway: Any, raw_service: Any, http: ClientSession, issuer: TokenIssuer
) -> AsyncIterator[Edge]:
    office = KeyOffice(issuer)
    async with (
        serving(office.app()) as auth,
        raw_service(OK) as documents,
        gateway(auth=auth, documents=documents.url) as url,
    ):
        yield Edge(url, office, documents, http)


@pytest.fixture
async def redis(infrastructure: Any) -> AsyncIterator[Redis]:
    async with aclosing(Redis.from_url(infrastructure.redis_url)) as redis:
        yield redis


async def test_a_service_sees_a_token_in_place_of_the_key(edge: Edge) -> None:
    identity = {"X-Request-ID": "my-id", "traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"}
    assert await edge.get(**identity) == (200, "")
    head = edge.documents.heads[0].decode().lower()
    assert "\r\nauthorization: bearer ey" in head
    assert KEY not in head
    (exchange,) = edge.auth.exchanges
    assert exchange.headers["x-request-id"] == "my-id"
    assert exchange.headers["traceparent"].split("-")[1] == TRACE_ID
    assert exchange.headers["content-type"] == "application/json"


async def test_fifty_requests_share_one_exchange_and_more_use_its_outcome(edge: Edge) -> None:
    async def asked() -> bool:
        return bool(edge.auth.exchanges)

    async with edge.auth.held:
        requests = [asyncio.create_task(edge.get()) for _ in range(50)]
        await eventually(asked)
        requests.pop(0).cancel()  # it asked first, and the others are not to wait in vain
    assert set(await asyncio.gather(*requests)) == {(200, "")}
    assert await edge.get() == (200, "")
    assert len(edge.auth.exchanges) == 1


@pytest.mark.parametrize("expires_in", [10, 0, -1])
async def test_a_token_that_hardly_lives_is_not_remembered(edge: Edge, expires_in: float) -> None:
    edge.auth.expires_in = expires_in
    for _ in range(2):
        assert await edge.get() == (200, "")
    assert len(edge.auth.exchanges) == 2


async def test_a_token_is_remembered_for_less_than_it_lives(edge: Edge) -> None:
    edge.auth.expires_in = 10.2
    assert await edge.get() == (200, "")

    async def asked_again() -> bool:
        assert await edge.get() == (200, "")
        return len(edge.auth.exchanges) == 2

    await eventually(asked_again, within=2)


async def test_a_revoked_key_is_refused_at_once(edge: Edge, redis: Redis) -> None:
    assert await edge.get() == (200, "")
    edge.auth.status = 401
    assert await edge.get() == (200, "")  # nobody has said yet
    await announce(redis, [Denial(edge.auth.user_id, session_id=edge.auth.session_id)])

    async def refused() -> bool:
        return await edge.get() == (401, "invalid-api-key")

    await eventually(refused, within=2)


async def test_a_denied_token_that_auth_still_gives_out_is_refused(
    edge: Edge, redis: Redis
) -> None:
    await announce(redis, [Denial(edge.auth.user_id, session_id=edge.auth.session_id)])

    async def refused() -> bool:
        return await edge.get() == (401, "invalid-api-key")

    await eventually(refused, within=2)


async def test_a_key_outlives_a_change_of_its_owners_rights(edge: Edge, redis: Redis) -> None:
    assert await edge.get() == (200, "")
    edge.auth.version = 2
    await announce(redis, [Denial(edge.auth.user_id, version=2)])

    async def exchanged_again() -> bool:
        assert await edge.get() == (200, "")
        return len(edge.auth.exchanges) == 2

    await eventually(exchanged_again, within=2)


async def test_a_refusal_is_remembered_for_a_moment(
    monkeypatch: pytest.MonkeyPatch,
    gateway: Any,
    raw_service: Any,
    http: ClientSession,
    issuer: TokenIssuer,
) -> None:
    monkeypatch.setattr(api_keys, "_REFUSED_SECONDS", 0.5)
    async with opened(gateway, raw_service, http, issuer) as edge:
        for _ in range(3):
            assert await edge.get("unknown") == (401, "invalid-api-key")
        assert len(edge.auth.exchanges) == 1
        assert await edge.get() == (200, "")

        async def asked_again() -> bool:
            assert await edge.get("unknown") == (401, "invalid-api-key")
            return len(edge.auth.exchanges) == 3

        await eventually(asked_again, within=3)
        assert len(edge.documents.heads) == 1


@pytest.mark.parametrize("key", ["x" * 257, "two words", "größer", "", "tab\tbed"])
async def test_what_cannot_be_a_key_is_refused_unasked(edge: Edge, key: str) -> None:
    assert await edge.get(key) == (401, "invalid-api-key")
    assert not edge.auth.exchanges


@pytest.mark.parametrize("status", [500, 503, 429, 404, 302])
async def test_when_auth_cannot_tell_nobody_is_refused(edge: Edge, status: int) -> None:
    edge.auth.status = status
    assert await edge.get() == (503, "service-unavailable")
    assert not edge.documents.heads
    edge.auth.status = 200
    assert await edge.get() == (200, "")


async def test_known_keys_and_bearers_outlive_auth(
    gateway: Any, raw_service: Any, http: ClientSession
) -> None:
    issuer = TokenIssuer()
    office = KeyOffice(issuer)
    app = office.app()
    app.get("/jwks.json")(lambda: issuer.jwks)
    async with raw_service(OK) as documents, AsyncExitStack() as auth:
        auth_url = await auth.enter_async_context(serving(app))
        settings = {"jwks_url": f"{auth_url}/jwks.json"}
        async with gateway(settings, auth=auth_url, documents=documents.url) as url:
            edge = Edge(url, office, documents, http)
            assert await edge.get() == (200, "")
            await auth.aclose()
            assert await edge.get() == (200, "")
            assert await edge.get("another") == (503, "service-unavailable")
            bearer = issuer.headers(uuid4())
            async with http.get(url + "/api/v1/documents", headers=bearer) as response:
                assert response.status == 200
