"""Which credentials a request may carry, where they are looked at, and what a service sees."""

from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from common.testing import TokenIssuer
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

PUBLIC = [
    "/api/v1/auth/register",
    "/api/v1/auth/login",
    "/api/v1/auth/token",
    "/api/v1/auth/refresh",
    "/api/v1/auth/email/verify",
    "/api/v1/auth/email/resend",
    "/api/v1/auth/password/reset-request",
    "/api/v1/auth/password/reset",
    "/api/v1/auth/mfa/verify",
    "/api/v1/.well-known/jwks.json",
    "/.well-known/jwks.json",
]


def fields(head: bytes) -> dict[str, str]:
    lines = head.decode().split("\r\n")[1:-2]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


async def refusal(response: Any) -> tuple[int, str]:
    assert response.content_type == "application/problem+json"
    body = await response.json()
    return response.status, body["type"].rpartition(":")[2]


async def test_without_credentials_a_request_passes_without(
    suite: Any, http: ClientSession
) -> None:
    async with http.post(suite.url + "/api/v1/documents", data=b"x") as response:
        assert response.status == 200
    assert "authorization" not in fields(suite.documents.heads[0])


@pytest.mark.parametrize(
    "kinds", [("token", "key"), ("token", "cookie"), ("key", "cookie"), ("basic", "cookie")]
)
async def test_two_at_once_are_refused(
    suite: Any, http: ClientSession, issuer: TokenIssuer, kinds: tuple[str, str]
) -> None:
    sent = {
        "token": ("Authorization", f"Bearer {issuer.token(uuid4())}"),
        "basic": ("Authorization", "Basic eA=="),
        "key": ("X-API-Key", "k"),
        "cookie": ("Cookie", "a=1; __Host-quire_access=not-even-valid"),
    }
    headers = dict(sent[kind] for kind in kinds)
    async with http.get(suite.url + "/api/v1/documents", headers=headers) as response:
        assert await refusal(response) == (400, "ambiguous-credentials")
    assert not suite.documents.heads


@pytest.mark.parametrize("name", ["Authorization", "X-API-Key"])
async def test_the_same_one_twice_is_refused(
    suite: Any, http: ClientSession, issuer: TokenIssuer, name: str
) -> None:
    value = f"Bearer {issuer.token(uuid4())}"
    repeated = [(name, value), (name, value)]
    async with http.get(suite.url + "/api/v1/documents", headers=repeated) as response:
        assert await refusal(response) == (400, "ambiguous-credentials")
    assert not suite.documents.heads


@pytest.mark.parametrize("value", ["Basic eDp5", "Digest a=b", "Bearertoken", "", "token"])
async def test_another_scheme_is_no_credential(suite: Any, http: ClientSession, value: str) -> None:
    headers = {"Authorization": value}
    async with http.get(suite.url + "/api/v1/documents", headers=headers) as response:
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert await refusal(response) == (401, "unauthorized")
    assert not suite.documents.heads


@pytest.mark.parametrize("path", PUBLIC)
async def test_on_public_paths_credentials_are_neither_looked_at_nor_passed_on(
    suite: Any, http: ClientSession, path: str
) -> None:
    headers = {
        "Authorization": "Bearer expired",
        "X-API-Key": "unknown",
        "Cookie": "__Host-quire_access=old; __Secure-quire_refresh=r; theme=dark",
    }
    async with http.post(suite.url + path, headers=headers) as response:
        assert response.status == 200
    sent = fields(suite.auth.heads[0])
    assert sent.keys().isdisjoint({"authorization", "x-api-key"})
    assert sent["cookie"] == "__Secure-quire_refresh=r; theme=dark"


async def test_an_oauth_client_may_name_itself_at_the_token_endpoint_only(
    suite: Any, http: ClientSession
) -> None:
    headers = {"Authorization": "Basic eDp5"}
    for path in ("/api/v1/auth/token", "/api/v1/auth/login"):
        async with http.post(suite.url + path, headers=headers) as response:
            assert response.status == 200
    at_token, at_login = (fields(head) for head in suite.auth.heads)
    assert at_token["authorization"] == "Basic eDp5"
    assert "authorization" not in at_login


@pytest.mark.parametrize(
    "path", ["/api/v1/auth/login/", "/api/v1/auth/%6Cogin", "/api/v1/auth/loginx", "/api/v1/users"]
)
async def test_what_only_resembles_a_public_path_is_none(
    suite: Any, connected: Any, path: str
) -> None:
    async with connected(suite.url) as (reader, writer):
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\n\r\n".encode())
        assert b" 401 " in await reader.readuntil(b"\r\n\r\n")
    assert not suite.auth.heads


@pytest.mark.parametrize(
    "path", ["/internal", "/internal/token", "/api/v1/internal", "/api/v1/internal/token"]
)
async def test_what_is_internal_cannot_be_reached(
    suite: Any, http: ClientSession, path: str
) -> None:
    async with http.post(suite.url + path, json={"api_key": "k"}) as response:
        assert await refusal(response) == (404, "not-found")
    with pytest.raises(InvalidStatus):
        await connect(suite.url.replace("http", "ws", 1) + path).__aenter__()
    for service in (suite.auth, suite.documents, suite.notifier):
        assert not service.heads


async def test_nobody_can_say_who_they_are_by_a_header(suite: Any, http: ClientSession) -> None:
    headers = {"X-User-Id": str(uuid4()), "x-user-roles": "admin", "X-Userland": "1"}
    async with http.get(suite.url + "/api/v1/documents", headers=headers) as response:
        assert response.status == 200
    sent = fields(suite.documents.heads[0])
    assert sent.keys().isdisjoint({"x-user-id", "x-user-roles"})
    assert sent["x-userland"] == "1"


async def test_refusals_are_counted_by_reason(suite: Any, http: ClientSession) -> None:
    headers = {"Authorization": "Basic eDp5", "X-API-Key": "k"}
    async with http.get(suite.url + "/api/v1/documents", headers=headers) as response:
        assert response.status == 400
    async with http.get(suite.url + "/metrics") as response:
        assert 'credentials_refused_total{reason="ambiguous-credentials"}' in await response.text()


async def test_a_handshake_keeps_its_token_and_loses_key_and_cookies(
    suite: Any, issuer: TokenIssuer
) -> None:
    """The browser adds cookies to a handshake that another site's page has begun."""
    signed_in = issuer.token(uuid4())
    for headers in (
        {"Cookie": f"a=1; __Host-quire_access={signed_in}; quire_x=1", "X-API-Key": "k"},
        {"Authorization": "Bearer for-the-notifier", "X-User-Id": "1"},
        {"Authorization": "Basic eDp5"},
    ):
        with pytest.raises(InvalidStatus):  # the notifier here answers, but not as a socket
            await connect(
                suite.url.replace("http", "ws", 1) + "/api/v1/ws?ticket=t",
                additional_headers=headers,
            ).__aenter__()
    by_cookie, by_token, by_password = (fields(head) for head in suite.notifier.heads)
    assert by_cookie.keys().isdisjoint({"authorization", "x-api-key"})
    assert by_cookie["cookie"] == "a=1"
    assert by_token["authorization"] == "Bearer for-the-notifier"
    assert "x-user-id" not in by_token
    assert "authorization" not in by_password
