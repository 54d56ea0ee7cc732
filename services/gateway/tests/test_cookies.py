"""A browser's cookies: who they sign in, what else that takes, and who gets to see them."""

import hashlib
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from common.testing import TokenIssuer

CSRF = "what-the-page-knows"
DIGEST = hashlib.sha256(CSRF.encode()).hexdigest()
ACCESS = "__Host-quire_access"


def fields(head: bytes) -> dict[str, str]:
    lines = head.decode().split("\r\n")[1:-2]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


@pytest.fixture
def token(issuer: TokenIssuer) -> str:
    return issuer.token(uuid4(), csrf=DIGEST)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_cookie_signs_in_what_only_reads(
    suite: Any, http: ClientSession, token: str, method: str
) -> None:
    suite.documents.behave(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    headers = {"Cookie": f"{ACCESS}={token}"}
    async with http.request(method, suite.url + "/api/v1/documents", headers=headers) as response:
        assert response.status == 200
    sent = fields(suite.documents.heads[0])
    assert sent["authorization"] == f"Bearer {token}"
    assert "cookie" not in sent


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PURGE"])
@pytest.mark.parametrize(
    "csrf", [[CSRF], [], ["wrong"], [""], [DIGEST], [CSRF, CSRF], [CSRF, "wrong"], ["é"]], ids=str
)
async def test_what_changes_something_needs_the_csrf_token_too(
    suite: Any, http: ClientSession, token: str, method: str, csrf: list[str]
) -> None:
    headers = [("Cookie", f"{ACCESS}={token}"), *(("X-CSRF-Token", value) for value in csrf)]
    async with http.request(
        method, suite.url + "/api/v1/documents", headers=headers, data=b"x"
    ) as response:
        if csrf == [CSRF]:
            assert response.status == 200
            assert fields(suite.documents.heads[0])["authorization"] == f"Bearer {token}"
            return
        assert response.status == 403
        assert response.content_type == "application/problem+json"
        assert (await response.json())["type"] == "urn:quire:problem:csrf-token-invalid"
    assert not suite.documents.heads


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("POST", 403)])
async def test_a_token_that_was_not_made_for_a_cookie_is_none(
    suite: Any, http: ClientSession, issuer: TokenIssuer, method: str, status: int
) -> None:
    headers = {"Cookie": f"{ACCESS}={issuer.token(uuid4())}", "X-CSRF-Token": CSRF}
    async with http.request(method, suite.url + "/api/v1/documents", headers=headers) as response:
        assert response.status == status
    assert not any("authorization" in fields(head) for head in suite.documents.heads)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "case", ["run out", "garbage", "empty", "quoted", "not ASCII", "twice", "once more"]
)
async def test_a_cookie_that_proves_nothing_is_as_good_as_none(
    suite: Any, http: ClientSession, issuer: TokenIssuer, method: str, case: str
) -> None:
    token = issuer.token(uuid4(), csrf=DIGEST)
    cookie = {
        "run out": f"{ACCESS}={issuer.token(uuid4(), exp=1, csrf=DIGEST)}",
        "garbage": f"{ACCESS}=a.b.c",
        "empty": f"{ACCESS}=",
        "quoted": f'{ACCESS}="{token}"',
        "not ASCII": f"{ACCESS}={token}é",
        "twice": f"{ACCESS}={token}; {ACCESS}={token}",
        "once more": f"{ACCESS}={token}; {ACCESS} = {token}",
    }[case]
    async with http.request(
        method, suite.url + "/api/v1/documents", headers={"Cookie": cookie}
    ) as response:
        assert response.status == 200
    assert fields(suite.documents.heads[0]).keys().isdisjoint({"authorization", "cookie"})


FOREIGN = "a=1; b=x=y; odd; __Host-other=1"
FOR_AUTH = (
    "a=1; b=x=y; __Secure-quire_refresh=r; odd; __Host-quire_csrf=c; quire_theme=2; __Host-other=1"
)


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/api/v1/documents", {"documents": FOREIGN}),
        ("/api/v1/events", {"notifier": FOREIGN}),
        ("/api/v1/auth/sessions", {"auth": FOR_AUTH}),
    ],
)
async def test_a_service_sees_foreign_cookies_and_auth_the_refresh_cookie_besides(
    suite: Any, http: ClientSession, token: str, path: str, seen: dict[str, str]
) -> None:
    cookies = [
        ("Cookie", f"a=1;b=x=y; __Secure-quire_refresh=r ;{ACCESS}={token}; odd;;"),
        ("Cookie", "__Host-quire_csrf=c; quire_theme=2; __Host-other=1"),
    ]
    async with http.get(suite.url + path, headers=cookies) as response:
        assert response.status == 200
    for service, cookie in seen.items():
        (head,) = getattr(suite, service).heads
        assert fields(head)["cookie"] == cookie
        assert fields(head)["authorization"] == f"Bearer {token}"
