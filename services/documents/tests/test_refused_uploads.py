"""Uploads that are refused by name, or cut off, and leave nothing behind."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import httpx
import pytest
from common.storage import Storage
from common.testing import TokenIssuer, eventually
from documents.settings import ApiSettings

NewFile = Callable[[], bytes]
Slug = Callable[[httpx.Response], str]
Upload = Callable[..., Awaitable[httpx.Response]]


@pytest.mark.parametrize(
    ("data", "status", "name"),
    [
        (b"", 400, "empty-file"),
        (b"<html>%PDF", 415, "unsupported-type"),
        (b"MZ" + bytes(2000), 415, "unsupported-type"),
        (b"RIFF0000WAVE" + bytes(2000), 415, "unsupported-type"),
    ],
)
async def test_a_bad_file_is_refused_by_name(
    upload: Upload, slug: Slug, data: bytes, status: int, name: str
) -> None:
    response = await upload(data)

    assert (response.status_code, slug(response)) == (status, name)


async def test_too_large_is_refused_before_the_bytes_are_read(
    api_url: str, issuer: TokenIssuer, settings: ApiSettings
) -> None:
    """The announced length is enough: not one byte of the body is sent here."""
    url = httpx.URL(api_url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = [
        "POST /api/v1/documents HTTP/1.1",
        f"Host: {url.host}",
        f"Authorization: Bearer {issuer.token(uuid4())}",
        "Content-Type: multipart/form-data; boundary=x",
        f"Content-Length: {settings.max_file_bytes + (1 << 20)}",
    ]
    writer.write("\r\n".join([*head, "", ""]).encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"application/problem+json" in answer


async def test_too_large_without_a_length_leaves_nothing_behind(
    slug: Slug, client: httpx.AsyncClient, settings: ApiSettings
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n%PDF-'
        for _ in range(settings.max_file_bytes // (1 << 20) + 1):
            yield bytes(1 << 20)
        yield b"\r\n--x--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    response = await client.post("/documents", content=body(), headers=headers, timeout=30)

    assert (response.status_code, slug(response)) == (413, "file-too-large")
    assert (await client.get("/documents")).json()["total"] == 0


@pytest.mark.parametrize(
    ("body", "content_type", "refusal"),
    [
        (b"{}", "application/json", (415, "form-expected")),
        (b"x", "multipart/form-data", (415, "form-expected")),
        (b"", f"multipart/form-data; boundary={'x' * 300}", (400, "malformed-form")),
        (b"no boundary here", "multipart/form-data; boundary=x", (400, "malformed-form")),
        (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n%PDF-',
            "multipart/form-data; boundary=x",
            (400, "malformed-form"),
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\nt\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
            (422, "invalid-input"),
        ),
    ],
)
async def test_a_bad_form_is_refused_by_name(
    slug: Slug, client: httpx.AsyncClient, body: bytes, content_type: str, refusal: tuple[int, str]
) -> None:
    headers = {"Content-Type": content_type}
    response = await client.post("/documents", content=body, headers=headers)

    assert (response.status_code, slug(response)) == refusal


@pytest.mark.parametrize(
    "fields",
    [
        {"user_id": str(uuid4())},
        {"status": "completed"},
        {"language": "Klingon!"},
        {"title": ""},
        {"title": "a\0b"},
        {"description": "\0"},
    ],
)
async def test_unknown_and_bad_fields_are_refused_and_nothing_is_kept(
    upload: Upload, client: httpx.AsyncClient, new_file: NewFile, fields: dict[str, str]
) -> None:
    response = await upload(new_file(), **fields)

    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == f"/body/{next(iter(fields))}"
    assert (await client.get("/documents")).json()["total"] == 0


async def test_an_upload_that_is_cut_off_leaves_nothing(
    client: httpx.AsyncClient, settings: ApiSettings
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n%PDF-'
        for _ in range(12):
            yield bytes(1 << 20)
        raise ConnectionError("the cable is pulled")

    storage = Storage(settings)
    others = {each.upload async for each in storage.multiparts.unfinished("originals/")}
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    with pytest.raises(ConnectionError):
        await client.post("/documents", content=body(), headers=headers)

    assert (await client.get("/documents")).json()["total"] == 0

    async def no_unfinished_parts() -> bool:
        left = {each.upload async for each in storage.multiparts.unfinished("originals/")}
        return left <= others

    await eventually(no_unfinished_parts)
