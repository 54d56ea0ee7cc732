"""Documents over HTTP, as their owner and as a stranger."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from common.database import Sessions
from common.outbox import outbox
from common.storage import Storage
from common.testing import TokenIssuer, eventually
from documents.settings import ApiSettings

NewFile = Callable[[], bytes]
SignIn = Callable[[UUID], httpx.AsyncClient]


async def upload(
    client: httpx.AsyncClient, data: bytes, *, name: str = "scan.pdf", **fields: str
) -> httpx.Response:
    return await client.post("/documents", files={"file": (name, data)}, data=fields)


def slug(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["request_id"] == response.headers["x-request-id"]
    return str(body["type"].removeprefix("urn:quire:problem:"))


async def test_an_upload_is_stored_and_announced(
    client: httpx.AsyncClient, user_id: UUID, new_file: NewFile, sessions: Sessions
) -> None:
    data = new_file()
    response = await upload(
        client, data, name="Rechnung März.pdf", title="Invoice", language="de+en"
    )

    assert response.status_code == 201
    document = response.json()
    assert response.headers["location"] == f"/api/v1/documents/{document['id']}"
    assert document["user_id"] == str(user_id)
    assert document["title"] == "Invoice"
    assert document["filename"] == "Rechnung März.pdf"
    assert document["mime_type"] == "application/pdf"
    assert document["file_size"] == len(data)
    assert (document["status"], document["progress"]) == ("pending", 0)
    assert (await client.get(f"/documents/{document['id']}")).json() == document
    job = (await client.get(f"/ocr/jobs/{document['job_id']}")).json()
    assert (job["status"], job["document_id"]) == ("queued", document["id"])
    async with sessions() as session:
        rows = (await session.execute(sa.select(outbox).order_by(outbox.c.position))).all()
    assert [row.routing_key for row in rows] == ["document.uploaded", "ocr.progress"]
    assert rows[0].data["document_id"] == document["id"]
    assert rows[0].data["language"] == "de+en"
    assert rows[1].data["progress"] == 0


async def test_the_download_is_byte_for_byte_what_was_sent(client: httpx.AsyncClient) -> None:
    data = b"\x89PNG\r\n\x1a\n" + uuid4().bytes * 600_000  # more than one part
    document = (await upload(client, data, name='a"b\\c\r\nX: y ü.png')).json()

    response = await client.get(f"/documents/{document['id']}/download")

    assert response.content == data
    assert response.headers["content-type"] == "image/png"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in response.headers["content-security-policy"]
    disposition = response.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="a')
    assert "%C3%BC.png" in disposition
    assert "x" not in response.headers


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
    client: httpx.AsyncClient, data: bytes, status: int, name: str
) -> None:
    response = await upload(client, data)

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
    client: httpx.AsyncClient, settings: ApiSettings
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
    ("body", "content_type", "status", "name"),
    [
        (b"{}", "application/json", 415, "form-expected"),
        (b"x", "multipart/form-data", 415, "form-expected"),
        (b"", f"multipart/form-data; boundary={'x' * 300}", 400, "malformed-form"),
        (b"no boundary here", "multipart/form-data; boundary=x", 400, "malformed-form"),
        (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n%PDF-',
            "multipart/form-data; boundary=x",
            400,
            "malformed-form",
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\nt\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
            422,
            "invalid-input",
        ),
    ],
)
async def test_a_bad_form_is_refused_by_name(
    client: httpx.AsyncClient, body: bytes, content_type: str, status: int, name: str
) -> None:
    headers = {"Content-Type": content_type}
    response = await client.post("/documents", content=body, headers=headers)

    assert (response.status_code, slug(response)) == (status, name)


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
    client: httpx.AsyncClient, new_file: NewFile, fields: dict[str, str]
) -> None:
    response = await upload(client, new_file(), **fields)

    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == f"/body/{next(iter(fields))}"
    assert (await client.get("/documents")).json()["total"] == 0


async def test_the_same_bytes_twice_are_a_conflict_that_names_the_first(
    client: httpx.AsyncClient, new_file: NewFile
) -> None:
    data = new_file()
    first = (await upload(client, data)).json()
    second = await upload(client, data, name="other.pdf")

    assert (second.status_code, slug(second)) == (409, "duplicate-document")
    assert second.headers["x-duplicate-id"] == first["id"]


async def test_of_twenty_simultaneous_uploads_of_the_same_bytes_one_wins(
    client: httpx.AsyncClient, new_file: NewFile
) -> None:
    data = new_file()
    responses = await asyncio.gather(*(upload(client, data) for _ in range(20)))

    assert sorted(response.status_code for response in responses) == [201] + [409] * 19
    winner = next(r.json()["id"] for r in responses if r.status_code == 201)
    losers = {r.headers["x-duplicate-id"] for r in responses if r.status_code == 409}
    assert losers == {winner}


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ('filename="a\0b\x1b[31m.pdf"', "ab[31m.pdf"),
        ("filename*=utf-8''M%C3%A4rz%00.pdf", "März.pdf"),
        ('filename="../../etc/passwd"', "../../etc/passwd"),
        (f'filename="{"x" * 300}"', "x" * 255),
        ('filename=""', "document"),
        ("x=1", "document"),
    ],
)
async def test_a_hostile_file_name_is_only_a_name(
    client: httpx.AsyncClient, new_file: NewFile, sent: str, shown: str
) -> None:
    head = f'--x\r\nContent-Disposition: form-data; name="file"; {sent}\r\n\r\n'
    body = head.encode() + new_file() + b"\r\n--x--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    response = await client.post("/documents", content=body, headers=headers)

    assert response.status_code == 201
    assert response.json()["filename"] == shown
    download = await client.get(f"/documents/{response.json()['id']}/download")
    assert download.status_code == 200


async def test_of_many_simultaneous_deletions_one_wins(
    client: httpx.AsyncClient, new_file: NewFile
) -> None:
    document = (await upload(client, new_file())).json()
    path = f"/documents/{document['id']}"
    answers = await asyncio.gather(*(client.delete(path) for _ in range(10)))

    assert sorted(answer.status_code for answer in answers) == [204] + [404] * 9


async def test_a_deleted_document_is_gone_and_may_be_uploaded_again(
    client: httpx.AsyncClient, new_file: NewFile
) -> None:
    data = new_file()
    document = (await upload(client, data)).json()

    assert (await client.delete(f"/documents/{document['id']}")).status_code == 204
    for path in ("", "/text", "/pages", "/download"):
        assert (await client.get(f"/documents/{document['id']}{path}")).status_code == 404
    assert (await client.get(f"/ocr/jobs/{document['job_id']}")).status_code == 404
    assert (await upload(client, data)).status_code == 201


async def test_the_list_is_paged_newest_first(client: httpx.AsyncClient, new_file: NewFile) -> None:
    ids = [(await upload(client, new_file())).json()["id"] for _ in range(5)]

    page = (await client.get("/documents", params={"page": 2, "page_size": 2})).json()

    assert [item["id"] for item in page["items"]] == ids[::-1][2:4]
    facts: dict[str, Any] = {k: v for k, v in page.items() if k != "items"}
    assert facts == {
        "total": 5,
        "page": 2,
        "page_size": 2,
        "total_pages": 3,
        "has_next": True,
        "has_prev": True,
    }


@pytest.mark.parametrize("query", ["page=0", "page_size=101", "page=x"])
async def test_a_bad_page_is_refused(client: httpx.AsyncClient, query: str) -> None:
    assert (await client.get(f"/documents?{query}")).status_code == 422


async def test_a_stranger_sees_what_is_not_there(
    client: httpx.AsyncClient, sign_in: SignIn, new_file: NewFile
) -> None:
    document = (await upload(client, new_file())).json()
    stranger = sign_in(uuid4())

    for method, path in (
        ("GET", "/documents/{id}"),
        ("DELETE", "/documents/{id}"),
        ("GET", "/documents/{id}/text"),
        ("GET", "/documents/{id}/pages"),
        ("GET", "/documents/{id}/download"),
        ("GET", "/ocr/jobs/{job_id}"),
    ):
        theirs = await stranger.request(method, path.format(**document))
        nobodys = await stranger.request(method, path.format(id=uuid4(), job_id=uuid4()))
        assert theirs.status_code == nobodys.status_code == 404
        ignored = {"instance", "request_id"}
        assert {k: v for k, v in theirs.json().items() if k not in ignored} == {
            k: v for k, v in nobodys.json().items() if k not in ignored
        }
    assert (await stranger.get("/documents")).json()["items"] == []
    assert (await client.get(f"/documents/{document['id']}")).status_code == 200


@pytest.mark.parametrize("authorization", [None, "Bearer nonsense", "Basic dTpw"])
async def test_without_a_valid_token_nothing_is_answered(
    api_url: str, authorization: str | None
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    async with httpx.AsyncClient(base_url=api_url, headers=headers) as client:
        for response in (
            await client.get("/documents"),
            await upload(client, b"%PDF-1.7"),
            await client.get(f"/documents/{uuid4()}"),
        ):
            assert (response.status_code, slug(response)) == (401, "unauthorized")
            assert response.headers["www-authenticate"].startswith("Bearer")


async def test_an_upload_that_is_cut_off_leaves_nothing(
    client: httpx.AsyncClient, settings: ApiSettings
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n%PDF-'
        for _ in range(12):
            yield bytes(1 << 20)
        raise ConnectionError("the cable is pulled")

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    with pytest.raises(ConnectionError):
        await client.post("/documents", content=body(), headers=headers)

    assert (await client.get("/documents")).json()["total"] == 0
    storage = Storage(settings)

    async def no_unfinished_parts() -> bool:
        found = storage._client._list_multipart_uploads(settings.s3_bucket)
        return found.uploads == []

    await eventually(no_unfinished_parts)
