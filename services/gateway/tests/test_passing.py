"""What goes through the gateway arrives as it was sent."""

import gzip
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from common.testing import TokenIssuer
from yarl import URL

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def fields(head: bytes) -> list[tuple[str, str]]:
    lines = head.decode("latin-1").split("\r\n")[1:-2]
    return [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)]


@pytest.mark.parametrize(
    "target",
    [
        "/api/v1/documents",
        "/api/v1/documents/a%2Fb",
        "/api/v1/documents//x///",
        "/api/v1/documents/../users/1",
        "/api/v1/documents/./x;v=1",
        "/api/v1/documents/%e2%82%ac/%zz",
        "/api/v1/documents?q=a+b%20c&&x=%2B&empty=&=&u=http://x/?y",
        "/api/v1/documents/a:b@c!$&'()*,=?[0]={1}|^`\\",
    ],
)
async def test_path_and_query_pass_byte_for_byte(suite: Any, connected: Any, target: str) -> None:
    async with connected(suite.url) as (reader, writer):
        writer.write(f"GET {target} HTTP/1.1\r\nHost: quire.test\r\n\r\n".encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    assert suite.documents.heads[0].startswith(f"GET {target} HTTP/1.1\r\n".encode())


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/api/v1/auth/login", "auth"),
        ("/api/v1/users", "auth"),
        ("/api/v1/admin/roles", "auth"),
        ("/.well-known/jwks.json", "auth"),
        ("/api/v1/documents/1", "documents"),
        ("/api/v1/uploads/1", "documents"),
        ("/api/v1/pdf/info", "documents"),
        ("/api/v1/tags", "documents"),
        ("/api/v1/webhooks/1/test", "notifier"),
        ("/api/v1/admin/broadcast", "notifier"),
        ("/api/v1/admin/broadcasts", "auth"),
        ("/api/v1/documentsX", None),
        ("/api/v1/documents%2F1", None),
        ("/api/v1/%64ocuments", None),
        ("/api/v1", None),
        ("/api/v2/documents", None),
        ("//api/v1/documents", None),
        ("/.well-known/jwks.jsonp", None),
    ],
)
async def test_the_longest_prefix_on_a_segment_edge_decides(
    suite: Any, http: ClientSession, path: str, service: str | None
) -> None:
    async with http.get(URL(suite.url + path, encoded=True)) as response:
        assert response.status == (200 if service else 404)
    reached = {name for name in ("auth", "documents", "notifier") if getattr(suite, name).heads}
    assert reached == ({service} if service else set())


async def test_headers_of_the_connection_stay_on_it(
    suite: Any, connected: Any, issuer: TokenIssuer
) -> None:
    token = issuer.token(uuid4())
    suite.documents.behave(
        b"HTTP/1.1 200 OK\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\n"
        b"Proxy-Authenticate: Basic\r\nUpgrade: h2c\r\nServer: secret/1\r\nDate: yesterday\r\n"
        b"X-End: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok"
    )
    async with connected(suite.url) as (reader, writer):
        writer.write(
            b"GET /api/v1/documents HTTP/1.1\r\nHost: quire.test\r\n"
            b"Connection: keep-alive, X-Private, Authorization\r\nX-Private: 1\r\nTE: trailers\r\n"
            b"Keep-Alive: 5\r\nProxy-Authorization: Basic eA==\r\nProxy-Connection: close\r\n"
            b"Upgrade: h2c\r\nX-End: 1\r\nAuthorization: Bearer " + token.encode() + b"\r\n\r\n"
        )
        answered = fields(await reader.readuntil(b"\r\n\r\n"))
    sent = dict(fields(suite.documents.heads[0]))
    assert sent.keys().isdisjoint(
        {"connection", "x-private", "te", "keep-alive", "proxy-authorization"}
        | {"proxy-connection", "upgrade", "accept", "accept-encoding", "user-agent"}
    )
    assert sent["authorization"] == f"Bearer {token}"  # not a client's to take away
    assert sent["x-end"] == dict(answered)["x-end"] == "1"
    assert [value for name, value in answered if name == "set-cookie"] == ["a=1", "b=2"]
    assert [value for name, value in answered if name == "date"] != ["yesterday"]
    names = [name for name, _ in answered]
    assert names.count("date") == 1
    assert not {"x-hop", "keep-alive", "proxy-authenticate", "upgrade"} & set(names)
    assert ("server", "secret/1") not in answered


async def test_what_a_client_says_of_its_origin_is_replaced(
    suite: Any, http: ClientSession
) -> None:
    spoofed = {
        "X-Forwarded-For": "6.6.6.6",
        "x-forwarded-proto": "https",
        "X-Forwarded-Host": "evil.test",
        "X-Forwarded-Port": "1",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "for=6.6.6.6",
        "X-Real-IP": "6.6.6.6",
        "Host": "quire.test",
    }
    async with http.get(suite.url + "/api/v1/documents", headers=spoofed):
        pass
    sent = fields(suite.documents.heads[0])
    about = [(name, value) for name, value in sent if "forward" in name or "real-ip" in name]
    assert sorted(about) == [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "quire.test"),
        ("x-forwarded-proto", "http"),
    ]
    assert dict(sent)["host"] == suite.documents.url.removeprefix("http://")


async def test_request_id_and_trace_go_on(suite: Any, http: ClientSession) -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    identity = {"X-Request-ID": "my-id.1", "traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
    async with http.get(suite.url + "/api/v1/documents", headers=identity) as response:
        assert response.headers.getall("X-Request-ID") == ["my-id.1"]
    identity = {"X-Request-ID": "not sane"}
    async with http.get(suite.url + "/api/v1/documents", headers=identity) as response:
        made = response.headers["X-Request-ID"]
    first, second = (dict(fields(head)) for head in suite.documents.heads)
    assert first["x-request-id"] == "my-id.1"
    assert first["traceparent"].split("-")[1] == trace_id
    assert second["x-request-id"] == made != "not sane"


@pytest.mark.parametrize(
    ("case", "answer"),
    [
        ("HEAD 200 5000", b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"),
        ("HEAD 200 -", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("GET 204 -", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET 304 -", b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nContent-Length: 5\r\n\r\n'),
        ("GET 200 2", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK),
        ("GET 302 0", b"HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n"),
        ("PATCH 460 0", b"HTTP/1.1 460 Own Kind\r\nContent-Length: 0\r\n\r\n"),
    ],
)
async def test_answers_without_a_body_and_uncommon_ones(
    suite: Any, connected: Any, case: str, answer: bytes
) -> None:
    method, status, length = case.split()
    suite.documents.behave(answer)
    async with connected(suite.url) as (reader, writer):
        for _ in range(2):  # the second shows that the connection is still in step
            writer.write(f"{method} /api/v1/documents HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.split()[1] == status.encode()
            assert dict(fields(head)).get("content-length", "-") == length
            if length == "2":
                assert await reader.readexactly(2) == b"ok"
    assert len(suite.documents.heads) == 2


async def test_encoded_bodies_are_left_alone(suite: Any, http: ClientSession) -> None:
    packed = gzip.compress(b"text " * 100)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    suite.documents.behave(head + packed)
    asked = {"Accept-Encoding": "gzip;q=0.5"}
    async with http.get(suite.url + "/api/v1/documents", headers=asked) as response:
        assert response.headers["Content-Length"] == str(len(packed))
        assert await response.read() == packed
    assert dict(fields(suite.documents.heads[0]))["accept-encoding"] == "gzip;q=0.5"


async def test_header_values_keep_their_bytes_or_are_refused(suite: Any, connected: Any) -> None:
    request = b"GET /api/v1/documents HTTP/1.1\r\nHost: x\r\nUpload-Metadata: %s\r\n\r\n"
    async with connected(suite.url) as (reader, writer):
        for value in ("Größe".encode(), b""):
            writer.write(request % value)
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(2)
            sent = dict(fields(suite.documents.heads[-1]))
            assert sent["upload-metadata"].encode("latin-1") == value
        writer.write(request % "Größe".encode("latin-1"))
        assert b" 400 " in await reader.readuntil(b"\r\n\r\n")
    assert len(suite.documents.heads) == 2
