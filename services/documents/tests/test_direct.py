"""Files that clients write straight to the object storage."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from common import copying
from common.database import Sessions
from common.storage import Storage
from common.testing import TokenIssuer, serving
from contracts import DocumentUploaded, Event
from direct_files import PATH, DirectFile
from documents.app import create_api
from documents.settings import ApiSettings
from documents.uploads.models import Upload

NewFile = Callable[[], bytes]
Recorded = Callable[[type[Event]], Awaitable[list[dict[str, Any]]]]
Slug = Callable[[httpx.Response], str]


@pytest.fixture(scope="session")
async def public_url(settings: ApiSettings) -> AsyncIterator[str]:
    """Serve an api whose clients can reach the object storage."""
    public = settings.model_copy(update={"s3_public_endpoint": settings.s3_endpoint})
    async with serving(create_api(public)) as url:
        yield f"{url}/api/v1"


@pytest.fixture
async def direct(
    public_url: str, issuer: TokenIssuer, user_id: UUID
) -> AsyncIterator[httpx.AsyncClient]:
    headers = issuer.headers(user_id)
    async with httpx.AsyncClient(base_url=public_url, headers=headers, timeout=30) as client:
        yield client


async def test_what_a_client_has_written_becomes_a_document(
    direct: httpx.AsyncClient,
    new_file: NewFile,
    sessions: Sessions,
    recorded: Recorded,
    storage: Storage,
) -> None:
    assert sessions, "the outbox is emptied first"
    data = new_file()
    file = await DirectFile.begin(direct, data, title="A letter", tags=["a"], language="de")
    assert file.begun["method"] == "PUT"
    until = datetime.fromisoformat(file.begun["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < until <= timedelta(hours=1)
    assert (await file.write()).status_code == 200

    response = await file.complete()
    assert response.status_code == 201, response.text
    document = response.json()
    assert response.headers["location"] == f"/api/v1/documents/{document['id']}"
    assert (document["title"], document["tags"], document["language"]) == ("A letter", ["a"], "de")
    assert document["file_size"] == len(data)
    assert document["file_hash"] == hashlib.sha256(data).hexdigest()
    assert document["mime_type"] == "application/pdf"
    assert (await direct.get(f"/documents/{document['id']}/download")).content == data
    redirect = await direct.get(f"/documents/{document['id']}/preview?redirect=true")
    async with httpx.AsyncClient() as anybody:
        shown = await anybody.get(redirect.headers["location"])
    assert (shown.content, shown.headers["content-type"]) == (data, "application/pdf")
    assert [batch async for batch in storage.objects(f"uploads/{file.id}/")] == []

    again = await file.complete()
    assert (again.status_code, again.json()) == (201, document)
    assert len(await recorded(DocumentUploaded)) == 1


async def test_large_files_are_copied_in_pieces(
    direct: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "_PIECE_BYTES", 5 << 20)
    data = b"%PDF-1.7\n" + uuid4().bytes + Random(1).randbytes(12 << 20)
    file = await DirectFile.begin(direct, data)
    await file.write()

    document = (await file.complete()).json()
    assert document["file_hash"] == hashlib.sha256(data).hexdigest()


async def test_of_many_completions_at_once_one_document_is_made(
    direct: httpx.AsyncClient, new_file: NewFile, sessions: Sessions, recorded: Recorded
) -> None:
    assert sessions, "the outbox is emptied first"
    file = await DirectFile.begin(direct, new_file())
    await file.write()
    answers = await asyncio.gather(*(file.complete() for _ in range(8)))

    assert {answer.status_code for answer in answers} == {201}
    assert len(await recorded(DocumentUploaded)) == 1


async def test_a_document_is_not_changed_by_what_is_written_later(
    direct: httpx.AsyncClient, new_file: NewFile
) -> None:
    file = await DirectFile.begin(direct, new_file())
    await file.write()
    document = (await file.complete()).json()
    other = new_file()
    assert (await file.write(other)).status_code == 200, "the URL is still good"

    assert (await file.complete()).json() == document
    stored = (await direct.get(f"/documents/{document['id']}/download")).content
    assert stored == file.data != other


async def test_what_is_written_while_it_is_completed_is_taken_or_not_but_never_mixed(
    direct: httpx.AsyncClient, new_file: NewFile
) -> None:
    for _ in range(3):
        file, other = await DirectFile.begin(direct, new_file()), new_file()
        await file.write()
        completed, *_ = await asyncio.gather(
            file.complete(), file.write(other), file.complete(), file.write(other)
        )
        last = await file.complete()
        assert {completed.status_code, last.status_code} <= {201, 409}
        if last.status_code == 201:
            path = f"/documents/{last.json()['id']}/download"
            stored = (await direct.get(path)).content
            assert hashlib.sha256(stored).hexdigest() == last.json()["file_hash"]
            assert stored in (file.data, other)


async def test_the_storage_refuses_another_length(
    direct: httpx.AsyncClient, new_file: NewFile, slug: Slug
) -> None:
    file = await DirectFile.begin(direct, new_file())
    for other in (file.data + b"0", file.data[:-1], b""):
        assert (await file.write(other)).status_code == 403

    refused = await file.complete()
    assert (refused.status_code, slug(refused)) == (409, "file-not-sent")
    assert (await file.write()).status_code == 200
    assert (await file.complete()).status_code == 201


async def test_another_length_that_came_all_the_same_is_removed(
    direct: httpx.AsyncClient, new_file: NewFile, slug: Slug, storage: Storage
) -> None:
    file = await DirectFile.begin(direct, new_file())
    key = f"uploads/{file.id}/file"
    await storage.put(key, file.data + b"0", content_type="application/pdf")

    refused = await file.complete()
    assert (refused.status_code, slug(refused)) == (400, "wrong-file-size")
    assert not await storage.exists(key)
    assert not await storage.exists(f"originals/{file.id}")


async def test_what_is_no_readable_file_ends_the_upload(
    direct: httpx.AsyncClient, slug: Slug, storage: Storage
) -> None:
    file = await DirectFile.begin(direct, b"MZ" + uuid4().bytes + bytes(2000))
    await file.write(headers={"Content-Type": "application/pdf"})

    for _ in range(2):
        refused = await file.complete()
        assert (refused.status_code, slug(refused)) == (415, "unsupported-type")
    assert not await storage.exists(f"uploads/{file.id}/file")
    assert not await storage.exists(f"originals/{file.id}")


async def test_the_same_bytes_are_refused_each_time_that_it_is_asked(
    direct: httpx.AsyncClient, new_file: NewFile, slug: Slug, storage: Storage
) -> None:
    data = new_file()
    first = (await direct.post("/documents", files={"file": ("a.pdf", data)})).json()
    file = await DirectFile.begin(direct, data)
    await file.write()

    for _ in range(2):
        refused = await file.complete()
        assert (refused.status_code, slug(refused)) == (409, "duplicate-document")
        assert refused.headers["x-duplicate-id"] == first["id"]
    assert not await storage.exists(f"uploads/{file.id}/file")
    assert not await storage.exists(f"originals/{file.id}")


async def test_an_upload_that_is_given_up_leaves_nothing(
    direct: httpx.AsyncClient, new_file: NewFile, slug: Slug, storage: Storage
) -> None:
    file = await DirectFile.begin(direct, new_file())
    await file.write()

    assert (await direct.delete(file.path)).status_code == 204
    assert not await storage.exists(f"uploads/{file.id}/file")
    gone = await file.complete()
    assert (gone.status_code, slug(gone)) == (404, "upload-not-found")


async def test_too_large_is_refused_at_the_beginning(direct: httpx.AsyncClient, slug: Slug) -> None:
    """S3 takes 5 GiB with one request."""
    response = await direct.post(PATH, json={"filename": "a", "file_size": (5 << 30) + 1})

    assert (response.status_code, slug(response)) == (413, "file-too-large")


async def test_clients_who_cannot_get_there_are_told(
    client: httpx.AsyncClient, slug: Slug, sessions: Sessions, user_id: UUID
) -> None:
    response = await client.post(PATH, json={"filename": "a", "file_size": 1})

    assert (response.status_code, slug(response)) == (409, "direct-upload-unavailable")
    async with sessions() as session:
        mine = sa.select(sa.func.count()).select_from(Upload).where(Upload.user_id == user_id)
        assert await session.scalar(mine) == 0


async def test_a_browser_may_write_from_another_origin(
    direct: httpx.AsyncClient, new_file: NewFile
) -> None:
    file = await DirectFile.begin(direct, new_file())
    asks = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type",
    }
    async with httpx.AsyncClient() as browser:
        preflight = await browser.options(file.begun["url"], headers=asks)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] in ("*", "https://app.example")
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    written = await file.write(headers={"Origin": "https://app.example"})
    assert written.headers["access-control-allow-origin"] in ("*", "https://app.example")
