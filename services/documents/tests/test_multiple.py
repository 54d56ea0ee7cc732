"""Several files in one form: each is kept or refused on its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from common.database import Sessions
from common.storage import Storage
from common.testing import TokenIssuer, serving
from contracts import DocumentUploaded, Event
from documents.app import create_api
from documents.settings import ApiSettings
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

NewFile = Callable[[], bytes]
Recorded = Callable[[type[Event]], Awaitable[list[dict[str, Any]]]]
Slug = Callable[[httpx.Response], str]
Upload = Callable[..., Awaitable[httpx.Response]]
UploadAll = Callable[..., Awaitable[httpx.Response]]

PATH = "/documents/upload/multiple"


@pytest.fixture
def upload_all(client: httpx.AsyncClient) -> UploadAll:
    """Upload files with names `0`, `1`, … as the user."""

    async def upload_all(*files: bytes, field: str = "files", **fields: Any) -> httpx.Response:
        parts = [(field, (str(number), data)) for number, data in enumerate(files)]
        return await client.post(PATH, files=parts, data=fields)

    return upload_all


async def test_all_that_are_fine_become_documents_in_their_order(
    upload_all: UploadAll,
    client: httpx.AsyncClient,
    new_file: NewFile,
    sessions: Sessions,
    recorded: Recorded,
    *,
    storage: Storage,
) -> None:
    assert sessions, "the outbox is emptied first"
    category = (await client.post("/categories", json={"name": "Letters"})).json()
    files = [new_file() for _ in range(10)]
    fields = {"tags": ["a", "b"], "category_id": category["id"], "document_type": "letter"}
    response = await upload_all(*files, language="de", **fields)

    assert response.status_code == 201
    documents = response.json()
    assert [document["filename"] for document in documents] == [str(n) for n in range(10)]
    assert [document["title"] for document in documents] == [str(n) for n in range(10)]
    for document, data in zip(documents, files, strict=True):
        assert {name: document[name] for name in fields} == fields
        assert document["language"] == "de"
        assert (await client.get(f"/documents/{document['id']}")).json() == document
        assert await storage.get(f"originals/{document['id']}") == data
    announced = [event["document_id"] for event in await recorded(DocumentUploaded)]
    assert announced == [document["id"] for document in documents]


async def test_the_good_ones_are_kept_and_the_others_named(
    upload_all: UploadAll,
    upload: Upload,
    client: httpx.AsyncClient,
    new_file: NewFile,
    settings: ApiSettings,
    *,
    sessions: Sessions,
    storage: Storage,
) -> None:
    assert sessions, "the outbox is emptied first"
    known, twice = new_file(), new_file()
    first = (await upload(known)).json()
    too_large = new_file() + bytes(settings.max_file_bytes)
    before = await originals(storage)
    response = await upload_all(
        b"", twice, b"<html>", too_large, known, new_file(), twice, field="files[]"
    )

    assert response.status_code == 207
    body = response.json()
    assert [document["filename"] for document in body["documents"]] == ["1", "5"]
    assert [(error["index"], error["filename"]) for error in body["errors"]] == [
        (number, str(number)) for number in (0, 2, 3, 4, 6)
    ]
    names = [error["error"]["type"].rpartition(":")[2] for error in body["errors"]]
    assert names == [
        "empty-file",
        "unsupported-type",
        "file-too-large",
        "duplicate-document",
        "duplicate-document",
    ]
    assert first["id"] in body["errors"][3]["error"]["detail"]
    assert (await client.get("/documents")).json()["total"] == 3
    kept = {f"originals/{document['id']}" for document in body["documents"]}
    assert await originals(storage) - before == kept


async def test_if_none_is_fine_that_is_told_alike(upload_all: UploadAll) -> None:
    response = await upload_all(b"", b"<html>")

    assert response.status_code == 207
    assert response.json()["documents"] == []
    assert len(response.json()["errors"]) == 2


async def test_too_many_are_refused_and_none_is_kept(
    upload_all: UploadAll, client: httpx.AsyncClient, new_file: NewFile, storage: Storage
) -> None:
    before = await originals(storage)
    response = await upload_all(*(new_file() for _ in range(11)))

    assert response.status_code == 422
    assert response.json()["errors"][0]["type"] == "too_many"
    assert (await client.get("/documents")).json()["total"] == 0
    assert await originals(storage) == before


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"title": "all alike"}, "/body/title"),
        ({"description": "all alike"}, "/body/description"),
        ({"user_id": "x"}, "/body/user_id"),
        ({"language": "Klingon!"}, "/body/language"),
    ],
)
async def test_what_cannot_be_said_of_all_is_refused_and_none_is_kept(
    upload_all: UploadAll,
    client: httpx.AsyncClient,
    new_file: NewFile,
    storage: Storage,
    *,
    fields: dict[str, str],
    pointer: str,
) -> None:
    before = await originals(storage)
    response = await upload_all(new_file(), new_file(), **fields)

    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == pointer
    assert (await client.get("/documents")).json()["total"] == 0
    assert await originals(storage) == before


async def test_a_form_without_files_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post(PATH, files={"tags": (None, "a")})

    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/body/files"


async def test_a_category_that_is_not_there_refuses_each(
    upload_all: UploadAll, new_file: NewFile
) -> None:
    response = await upload_all(new_file(), new_file(), category_id=str(uuid4()))

    assert response.status_code == 207
    errors = [error["error"]["errors"][0] for error in response.json()["errors"]]
    assert [error["pointer"] for error in errors] == ["/body/category_id"] * 2


def form(*parts: bytes, end: bytes = b"--x--\r\n") -> bytes:
    return b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + end


def text(name: str, value: str) -> bytes:
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()


def file(data: bytes) -> bytes:
    return b'Content-Disposition: form-data; name="files"; filename="f"\r\n\r\n' + data


HEADERS = {"Content-Type": "multipart/form-data; boundary=x"}


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_the_fields_may_stand_anywhere(
    client: httpx.AsyncClient, new_file: NewFile, place: int
) -> None:
    parts = [file(new_file()), file(new_file())]
    parts.insert(place, text("tags", "x"))
    response = await client.post(PATH, content=form(*parts), headers=HEADERS)

    assert response.status_code == 201
    assert [document["tags"] for document in response.json()] == [["x"], ["x"]]


async def test_of_a_form_that_is_cut_off_nothing_is_kept(
    client: httpx.AsyncClient, new_file: NewFile, slug: Slug, storage: Storage
) -> None:
    before = await originals(storage)
    body = form(file(new_file()), file(new_file()), end=b"")
    response = await client.post(PATH, content=body, headers=HEADERS)

    assert (response.status_code, slug(response)) == (400, "malformed-form")
    assert (await client.get("/documents")).json()["total"] == 0
    assert await originals(storage) == before


async def test_a_form_that_does_not_end_is_refused(
    client: httpx.AsyncClient, settings: ApiSettings, new_file: NewFile, slug: Slug
) -> None:
    """The first file is too large, and the rest of it is passed over: not for ever."""

    async def body() -> AsyncIterator[bytes]:
        yield b"--x\r\n" + file(new_file())
        for _ in range(11 * settings.max_file_bytes // (1 << 20)):
            yield bytes(1 << 20)

    response = await client.post(PATH, content=body(), headers=HEADERS, timeout=60)
    assert (response.status_code, slug(response)) == (413, "form-too-large")


async def test_what_is_announced_too_large_is_refused_before_it_is_sent(
    api_url: str, issuer: TokenIssuer, settings: ApiSettings
) -> None:
    url = httpx.URL(api_url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = [
        f"POST /api/v1{PATH} HTTP/1.1",
        f"Host: {url.host}",
        f"Authorization: Bearer {issuer.token(uuid4())}",
        "Content-Type: multipart/form-data; boundary=x",
        f"Content-Length: {11 * settings.max_file_bytes}",
    ]
    writer.write("\r\n".join([*head, "", ""]).encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()

    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_files_beyond_the_quota_are_refused(
    settings: ApiSettings, issuer: TokenIssuer, new_file: NewFile, slug: Slug
) -> None:
    limited = settings.model_copy(update={"quota_documents": 2})
    user_id = uuid4()
    async with (
        serving(create_api(limited)) as url,
        httpx.AsyncClient(base_url=f"{url}/api/v1", headers=issuer.headers(user_id)) as client,
    ):
        parts = [("files", (str(number), new_file())) for number in range(3)]
        response = await client.post(PATH, files=parts)
        assert response.status_code == 207
        assert len(response.json()["documents"]) == 2
        (error,) = response.json()["errors"]
        assert (error["index"], error["error"]["status"]) == (2, 413)

        full = await client.post(PATH, files=parts)
        assert (full.status_code, slug(full)) == (413, "quota-exceeded")


@pytest.fixture
async def send(api_url: str, issuer: TokenIssuer, user_id: UUID) -> AsyncIterator[UploadAll]:
    headers = {**issuer.headers(user_id), **HEADERS}
    async with httpx.AsyncClient(base_url=api_url, headers=headers) as client:

        async def send(body: bytes, cuts: list[int]) -> httpx.Response:
            async def pieces() -> AsyncIterator[bytes]:
                edges = [0, *sorted(cut % len(body) for cut in cuts), len(body)]
                for start, end in pairwise(edges):
                    if start < end:
                        yield body[start:end]

            return await client.post(PATH, content=pieces())

        yield send


@limits(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    bad=st.lists(st.booleans(), min_size=1, max_size=4),
    cuts=st.lists(st.integers(0, 10_000), max_size=8),
)
async def test_wherever_the_network_cuts_the_same_files_arrive(
    send: UploadAll, new_file: NewFile, bad: list[bool], cuts: list[int]
) -> None:
    files = [b"<html>" + uuid4().bytes if each else new_file() for each in bad]
    response = await send(form(*map(file, files), text("tags", "x,y")), cuts)

    documents = response.json()
    if any(bad):
        refused = [error["index"] for error in documents["errors"]]
        assert refused == [number for number, each in enumerate(bad) if each]
        documents = documents["documents"]
    assert response.status_code == (207 if any(bad) else 201)
    assert len(documents) == bad.count(False)
    assert all(document["tags"] == ["x", "y"] for document in documents)


async def originals(storage: Storage) -> set[str]:
    return {each.key async for batch in storage.objects("originals/") for each in batch}
