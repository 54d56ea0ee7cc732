"""The bytes of files: whole, in part, or not again."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from common.testing import TokenIssuer, eventually, serving
from documents.app import create_api
from documents.settings import ApiSettings

SignIn = Callable[[UUID], httpx.AsyncClient]
Slug = Callable[[httpx.Response], str]
Upload = Callable[..., Awaitable[httpx.Response]]

ROUTES = ("download", "preview", "stream")


@pytest.fixture
def data() -> bytes:
    return b"%PDF-1.7\n" + uuid4().bytes * 1000


@pytest.fixture
async def document(upload: Upload, data: bytes) -> Any:
    return (await upload(data, name="Märzrechnung.pdf")).json()


@pytest.fixture
def path(document: dict[str, Any]) -> str:
    return f"/documents/{document['id']}/stream"


def parts(response: httpx.Response) -> list[tuple[str, bytes]]:
    """Take a multipart answer apart: the range and the bytes of each part."""
    (boundary,) = re.fullmatch(
        r"multipart/byteranges; boundary=(\w+)", response.headers["content-type"]
    ).groups()  # type: ignore[union-attr]
    pieces = response.content.split(f"\r\n--{boundary}".encode())
    assert (pieces[0], pieces[-1]) == (b"", b"--\r\n")
    found = []
    for piece in pieces[1:-1]:
        head, _, body = piece.partition(b"\r\n\r\n")
        assert b"\r\nContent-Type: application/pdf\r\n" in head + b"\r\n"
        found.append((re.search(r"Content-Range: (.*)", head.decode())[1], body))  # type: ignore[index]
    return found


@pytest.mark.parametrize("route", ROUTES)
async def test_a_file_is_whole_and_harmless(
    client: httpx.AsyncClient, document: dict[str, Any], data: bytes, route: str
) -> None:
    path = f"/documents/{document['id']}/{route}"
    whole, head = await client.get(path), await client.head(path)

    assert (whole.status_code, whole.content) == (200, data)
    assert (head.status_code, head.content) == (200, b"")
    for response in (whole, head):
        headers = response.headers
        assert headers["content-length"] == str(len(data))
        assert headers["content-type"] == "application/pdf"
        assert headers["etag"] == f'"{document["file_hash"]}"'
        assert headers["accept-ranges"] == "bytes"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "sandbox; default-src 'none'"
        kind, name = headers["content-disposition"].split(";", 1)
        assert kind == ("attachment" if route == "download" else "inline")
        assert name.endswith("filename*=UTF-8''M%C3%A4rzrechnung.pdf")


@pytest.mark.parametrize(
    ("field", "meant"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=5-99", slice(5, 100)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-7", slice(-7, None)),
    ],
)
async def test_a_range_is_answered_alone(
    client: httpx.AsyncClient, path: str, data: bytes, field: str, meant: slice
) -> None:
    start, end, _ = meant.indices(len(data))

    response = await client.get(path, headers={"Range": field})

    assert (response.status_code, response.content) == (206, data[meant])
    assert response.headers["content-range"] == f"bytes {start}-{end - 1}/{len(data)}"
    assert response.headers["content-length"] == str(end - start)
    assert response.headers["content-type"] == "application/pdf"


async def test_several_ranges_come_in_parts(
    client: httpx.AsyncClient, path: str, data: bytes
) -> None:
    wanted = [(500, 600), (0, 9), (len(data) - 5, len(data) - 1)]
    field = f"bytes=500-600, 0-9, -5, {len(data)}-"

    response = await client.get(path, headers={"Range": field})

    assert response.status_code == 206
    assert response.headers["content-length"] == str(len(response.content))
    assert "content-range" not in response.headers
    assert parts(response) == [
        (f"bytes {first}-{last}/{len(data)}", data[first : last + 1]) for first, last in wanted
    ]


async def test_the_parts_of_a_large_file_are_streamed(
    upload: Upload, client: httpx.AsyncClient
) -> None:
    data = b"\x89PNG\r\n\x1a\n" + uuid4().bytes * 900_000
    path = f"/documents/{(await upload(data)).json()['id']}/stream"
    half = len(data) // 2

    response = await client.get(path, headers={"Range": f"bytes={half}-,0-{half - 2}"})

    assert response.headers["content-length"] == str(len(response.content))
    assert data[half:] in response.content
    assert data[: half - 1] in response.content


@pytest.mark.parametrize(
    "field",
    ["bytes=0-5,3-9", "bytes=0-,0-", "lines=0-1", "bytes=9-5", "bytes=x", "bytes=" + "0-0," * 11],
)
async def test_a_field_that_does_not_count_brings_the_whole_file(
    client: httpx.AsyncClient, path: str, data: bytes, field: str
) -> None:
    response = await client.get(path, headers={"Range": field})

    assert (response.status_code, response.content) == (200, data)
    assert "content-range" not in response.headers


async def test_what_lies_behind_the_end_cannot_be_had(
    client: httpx.AsyncClient, path: str, data: bytes, slug: Slug
) -> None:
    for field in (f"bytes={len(data)}-", "bytes=-0"):
        response = await client.get(path, headers={"Range": field})
        assert (response.status_code, slug(response)) == (416, "range-not-satisfiable")
        assert response.headers["content-range"] == f"bytes */{len(data)}"
    head = await client.head(path, headers={"Range": f"bytes={len(data)}-"})
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(data)))


async def test_a_download_goes_on_only_if_the_file_is_the_same(
    client: httpx.AsyncClient, path: str, data: bytes
) -> None:
    head = (await client.head(path)).headers
    etag, modified = head["etag"], head["last-modified"]
    earlier = format_datetime(parsedate_to_datetime(modified) - timedelta(days=1), usegmt=True)

    for same in (etag, modified):
        response = await client.get(path, headers={"Range": "bytes=9-", "If-Range": same})
        assert (response.status_code, response.content) == (206, data[9:])
    for other in (f"W/{etag}", '"x"', earlier, "nonsense"):
        for field in ("bytes=9-", f"bytes={len(data)}-"):
            response = await client.get(path, headers={"Range": field, "If-Range": other})
            assert (response.status_code, response.content) == (200, data)


async def test_what_is_known_is_not_sent_again(
    client: httpx.AsyncClient, path: str, slug: Slug
) -> None:
    head = (await client.head(path)).headers
    etag, modified = head["etag"], head["last-modified"]
    long_ago = "Sun, 06 Nov 1994 08:49:37 GMT"

    for known in (
        {"If-None-Match": etag},
        {"If-None-Match": f'"x", W/{etag}', "Range": "bytes=0-1"},
        {"If-Modified-Since": modified},
        {"If-None-Match": etag, "If-Modified-Since": long_ago},
    ):
        for method in ("GET", "HEAD"):
            response = await client.request(method, path, headers=known)
            assert (response.status_code, response.content) == (304, b"")
            assert response.headers["etag"] == etag
    for unknown in (
        {"If-None-Match": '"x"', "If-Modified-Since": modified},
        {"If-Modified-Since": long_ago},
        {"If-Modified-Since": "Sunday, 06-Nov-94 08:49:37 GMT"},
        {"If-Modified-Since": "nonsense"},
        {"If-Match": etag, "If-Unmodified-Since": long_ago},
        {"If-Unmodified-Since": modified},
    ):
        assert (await client.get(path, headers=unknown)).status_code == 200
    for refused in ({"If-Match": '"x"'}, {"If-Unmodified-Since": long_ago}):
        response = await client.get(path, headers={**refused, "Range": "bytes=0-1"})
        assert (response.status_code, slug(response)) == (412, "precondition-failed")


async def test_a_stranger_gets_no_byte(
    document: dict[str, Any], sign_in: SignIn, slug: Slug
) -> None:
    stranger = sign_in(uuid4())
    for route in ROUTES:
        for options in ("", "?redirect=true"):
            theirs = await stranger.get(f"/documents/{document['id']}/{route}{options}")
            assert (theirs.status_code, slug(theirs)) == (404, "document-not-found")
        assert (await stranger.head(f"/documents/{document['id']}/{route}")).status_code == 404


async def test_the_storage_can_be_asked_directly(
    document: dict[str, Any],
    data: bytes,
    settings: ApiSettings,
    issuer: TokenIssuer,
) -> None:
    public = settings.model_copy(update={"s3_public_endpoint": settings.s3_endpoint})
    headers = issuer.headers(UUID(document["user_id"]))
    path = f"/api/v1/documents/{document['id']}/download?redirect=true"
    async with serving(create_api(public)) as url, httpx.AsyncClient() as http:
        redirect = await http.get(f"{url}{path}", headers=headers)
        head = await http.head(f"{url}{path}", headers=headers)
        assert redirect.status_code == head.status_code == 307
        assert redirect.headers["cache-control"] == "no-store"
        response = await http.get(redirect.headers["location"], headers={"Range": "bytes=9-"})
        assert (await http.head(head.headers["location"])).status_code == 200

    assert (response.status_code, response.content) == (206, data[9:])
    assert response.headers["content-type"] == "application/pdf"
    assert response.headers["content-disposition"].startswith("attachment; ")


async def test_where_clients_cannot_reach_the_storage_they_are_told(
    client: httpx.AsyncClient, path: str, slug: Slug
) -> None:
    refused = await client.get(f"{path}?redirect=true")

    assert (refused.status_code, slug(refused)) == (409, "redirect-unavailable")
    assert "QUIRE_S3_PUBLIC_ENDPOINT" in refused.json()["detail"]


class SilentServer:
    """Accepts connections and never answers."""

    def __init__(self) -> None:
        self._guests: list[asyncio.StreamWriter] = []

    async def open(self) -> str:
        self._server = await asyncio.start_server(self._welcome, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def has_guests(self) -> bool:
        return len(self._guests) >= 10

    def close(self) -> None:
        self._server.close()
        for guest in self._guests:
            guest.transport.abort()

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._guests.append(writer)
        with contextlib.suppress(ConnectionError):
            await reader.read()


async def test_a_slow_storage_keeps_nobody_from_the_database(
    document: dict[str, Any], settings: ApiSettings, issuer: TokenIssuer
) -> None:
    """More requests wait for bytes than there are connections to the database."""
    headers = issuer.headers(UUID(document["user_id"]))
    path = f"/api/v1/documents/{document['id']}"
    storage = SilentServer()
    slow = settings.model_copy(update={"s3_endpoint": httpx.URL(await storage.open())})
    async with serving(create_api(slow)) as url, httpx.AsyncClient(timeout=60) as http:
        downloads = asyncio.gather(
            *(http.get(f"{url}{path}/download", headers=headers) for _ in range(30))
        )
        try:
            await eventually(storage.has_guests)
            shown = await http.get(f"{url}{path}", headers=headers, timeout=5)
        finally:
            storage.close()
            answers = await downloads

    assert shown.status_code == 200
    assert {answer.status_code for answer in answers} == {503}
