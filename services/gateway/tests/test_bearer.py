"""A bearer token is verified before its service, or anybody's body, is bothered with it."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from common.denylist import Denial, announce
from common.security import STREAM_TICKET
from common.testing import TokenIssuer, eventually
from redis.asyncio import Redis

HIDDEN = b"GET /api/v1/documents/hidden HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
async def redis(infrastructure: Any) -> AsyncIterator[Redis]:
    async with aclosing(Redis.from_url(infrastructure.redis_url)) as redis:
        yield redis


def bearer(token: str, scheme: str = "Bearer") -> dict[str, str]:
    return {"Authorization": f"{scheme} {token}"}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
async def test_a_valid_token_is_passed_on(
    suite: Any, http: ClientSession, issuer: TokenIssuer, scheme: str
) -> None:
    token = issuer.token(uuid4())
    headers = bearer(token, scheme)
    async with http.get(suite.url + "/api/v1/documents", headers=headers) as response:
        assert response.status == 200
    assert (
        f"\r\nAuthorization: Bearer {token}\r\n".lower()
        in suite.documents.heads[0].decode().lower()
    )


def part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def with_header(issuer: TokenIssuer, **changes: object) -> str:
    """Return a token that was signed properly before its header was changed."""
    header = {"alg": "ES256", "typ": "at+jwt", "kid": issuer.kid, **changes}
    return ".".join((part(header), *issuer.token(uuid4()).split(".")[1:]))


def signed_with_public_key(issuer: TokenIssuer) -> str:
    content = with_header(issuer, alg="HS256").rpartition(".")[0]
    digest = hmac.digest(issuer.public_key.encode(), content.encode(), hashlib.sha256)
    return f"{content}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def signed_by_another(issuer: TokenIssuer) -> str:
    """Return a token of another key that claims to be signed with ours."""
    other = TokenIssuer()
    other.kid = issuer.kid
    return other.token(uuid4())


FORGERIES: dict[str, Callable[[TokenIssuer], str]] = {
    "alg none": lambda i: with_header(i, alg="none").rpartition(".")[0] + ".",
    "alg none, signed": lambda i: with_header(i, alg="none"),
    "HS256 with the public key": signed_with_public_key,
    "r = s = 0": lambda i: i.token(uuid4()).rpartition(".")[0] + "." + "A" * 86,
    "another key": signed_by_another,
    "unknown kid": lambda i: with_header(i, kid="unknown"),
    "brings its jwk": lambda i: with_header(i, jwk=TokenIssuer().jwks["keys"][0]),
    "brings its jku": lambda i: with_header(i, kid="x", jku="http://127.0.0.1/jwks.json"),
    "foreign audience": lambda i: i.token(uuid4(), aud="elsewhere"),
    "foreign issuer": lambda i: i.token(uuid4(), iss="somebody"),
    "run out": lambda i: i.token(uuid4(), exp=1),
    "wrong type": lambda i: i.token(uuid4(), kind="JWT"),
    "ticket": lambda i: i.token(uuid4(), kind=STREAM_TICKET),
    "garbage": lambda _: "a.b.c",
    "nothing": lambda _: "",
    "not ASCII": lambda i: i.token(uuid4()) + "é",
    "two words": lambda i: i.token(uuid4()) + " x",
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_any_other_token_reaches_no_service(
    suite: Any, http: ClientSession, issuer: TokenIssuer, forgery: str
) -> None:
    headers = bearer(FORGERIES[forgery](issuer))
    async with http.get(suite.url + "/api/v1/documents", headers=headers) as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert response.content_type == "application/problem+json"
        assert (await response.json())["type"] == "urn:quire:problem:unauthorized"
    assert not suite.documents.heads


@pytest.mark.parametrize("denied", ["session", "older version"])
async def test_a_denial_bites_while_the_client_is_connected(
    suite: Any, http: ClientSession, issuer: TokenIssuer, redis: Redis, denied: str
) -> None:
    user_id, session_id = uuid4(), uuid4()
    old = bearer(issuer.token(user_id, sid=str(session_id), ver=1))
    new = bearer(issuer.token(user_id, ver=2))
    documents = suite.url + "/api/v1/documents"
    async with http.get(documents, headers=old) as response:
        assert response.status == 200

    by_session = Denial(user_id, session_id=session_id)
    await announce(redis, [by_session if denied == "session" else Denial(user_id, version=2)])

    async def refused() -> bool:
        async with http.get(documents, headers=old) as response:
            return response.status == 401

    await eventually(refused, within=2)
    async with http.get(documents, headers=new) as response:
        assert response.status == 200


async def test_while_the_keys_cannot_be_had_nobody_is_called_a_forger(
    gateway: Any, raw_service: Any, http: ClientSession, issuer: TokenIssuer
) -> None:
    async with (
        raw_service(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n") as auth,
        raw_service(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as documents,
        gateway({"jwks_url": f"{auth.url}/jwks.json"}, documents=documents.url) as url,
    ):
        headers = bearer(issuer.token(uuid4()))
        for sent in (headers, {"Cookie": f"__Host-quire_access={issuer.token(uuid4())}"}):
            async with http.get(url + "/api/v1/documents", headers=sent) as response:
                assert response.status == 503
                assert response.headers["Retry-After"]
        assert not documents.heads
        async with http.get(url + "/api/v1/documents") as response:
            assert response.status == 200


@pytest.mark.parametrize(
    ("length", "body"),
    [
        (b"Content-Length: %d" % len(HIDDEN), HIDDEN),
        (b"Transfer-Encoding: chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)),
        (b"Expect: 100-continue\r\nContent-Length: %d" % len(HIDDEN), HIDDEN),
        (b"Content-Length: 4000000", bytes(4_000_000)),
    ],
)
async def test_a_refusal_does_not_wait_for_the_body_nor_take_it_for_a_request(
    suite: Any, connected: Any, issuer: TokenIssuer, length: bytes, body: bytes
) -> None:
    async with connected(suite.url) as (reader, writer):
        for _ in range(2):
            writer.write(b"POST /api/v1/documents HTTP/1.1\r\nHost: x\r\n")
            writer.write(b"Authorization: Bearer bad\r\n" + length + b"\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 401 ")
            size = int(head.lower().partition(b"content-length: ")[2].split()[0])
            await reader.readexactly(size)
            writer.write(body)
        good = issuer.token(uuid4()).encode()
        writer.write(b"GET /api/v1/documents/next HTTP/1.1\r\nHost: x\r\n")
        writer.write(b"Authorization: Bearer " + good + b"\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    (head,) = suite.documents.heads
    assert head.startswith(b"GET /api/v1/documents/next ")


async def test_a_body_that_could_be_read_in_two_ways_is_that_first_of_all(
    suite: Any, connected: Any
) -> None:
    async with connected(suite.url) as (reader, writer):
        writer.write(b"POST /api/v1/documents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer bad\r\n")
        writer.write(b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n" + HIDDEN)
        assert b" 400 " in await reader.readuntil(b"\r\n\r\n")
        await reader.read()  # to the end: the connection is closed
    assert not suite.documents.heads
